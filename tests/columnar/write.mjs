// Writes the same records to files of columns with several programs, and as JSON lines.
// usage: write.mjs FOLDER [COUNT]
import fs from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetWriteFile } from 'hyparquet-writer'

const wasm = createRequire(import.meta.url)('parquet-wasm/node')
const folder = process.argv[2]
const count = +(process.argv[3] || 5000) // the default is more than two row groups of DuckDB
const words = 'the quick brown fox jumps over a lazy dog by the river, naïve über 東京'.split(' ')
const numbers = [...Array(count).keys()]
const texts = numbers.map(i => i % 97 === 5 ? null : [0, 1, 2].map(j => words[(i * (j + 3) + j) % words.length]).join(' '))
const ids = numbers.map(i => `id-${i}`)
const long = numbers.map(i => `${'x'.repeat(i % 40)} ${i}`)
fs.writeFileSync(`${folder}/all.jsonl`, numbers.map(i => JSON.stringify(
  { id: ids[i], text: texts[i], n: i, half: i / 2, flag: i % 3 === 0, long: long[i] }) + '\n').join(''))

const connection = await (await DuckDBInstance.create()).connect()
const select = `select list, id, text, n::integer as n, half::double as half, flag, long
  from (select *, [n, 1] as list from read_json('${folder}/all.jsonl'))`
for (const packing of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw', 'brotli'])
  await connection.run(`copy (${select}) to '${folder}/duckdb-${packing}.parquet'
    (format parquet, compression ${packing}, row_group_size 2048)`)
await connection.run(`copy (${select}) to '${folder}/duckdb-delta.parquet' (format parquet, parquet_version v2)`)
const split = 'BYTE_STREAM_SPLIT'
for (const [name, ofTexts, ofNumbers, ofHalves] of [['hyparquet'], ['shared', 'DELTA_BYTE_ARRAY', 'DELTA_BINARY_PACKED', split],
  ['lengths', 'DELTA_LENGTH_BYTE_ARRAY', split, 'PLAIN']])
  await parquetWriteFile({
    filename: `${folder}/${name}.parquet`,
    rowGroupSize: 1000,
    columnData: [
      { name: 'id', data: ids, type: 'STRING', encoding: ofTexts },
      { name: 'text', data: texts, type: 'STRING', nullable: true, encoding: ofTexts },
      { name: 'n', data: numbers, type: 'INT32', encoding: ofNumbers },
      { name: 'half', data: numbers.map(i => i / 2), type: 'DOUBLE', encoding: ofHalves },
      { name: 'flag', data: numbers.map(i => i % 3 === 0), type: 'BOOLEAN' },
      { name: 'long', data: long, type: 'STRING', encoding: ofTexts }]
  })

// Pages of gzip with several members, as the format allows.
const members = bytes => Buffer.concat([bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)].map(
  part => gzipSync(part)))
await parquetWriteFile({
  filename: `${folder}/members.parquet`, codec: 'GZIP', compressors: { GZIP: members },
  columnData: [
    { name: 'id', data: ids, type: 'STRING' }, { name: 'text', data: texts, type: 'STRING', nullable: true },
    { name: 'n', data: numbers, type: 'INT32' }, { name: 'half', data: numbers.map(i => i / 2), type: 'DOUBLE' },
    { name: 'flag', data: numbers.map(i => i % 3 === 0), type: 'BOOLEAN' }, { name: 'long', data: long, type: 'STRING' }]
})

const columns = (text) => ({
  list: arrow.vectorFromArray(numbers.map(i => [i, 1]), new arrow.List(new arrow.Field('item', new arrow.Int32()))),
  id: arrow.vectorFromArray(ids, new arrow.LargeUtf8()), text: arrow.vectorFromArray(texts, text),
  n: arrow.vectorFromArray(numbers, new arrow.Int32()),
  half: arrow.vectorFromArray(numbers.map(i => i / 2), new arrow.Float64()),
  flag: arrow.vectorFromArray(numbers.map(i => i % 3 === 0), new arrow.Bool()),
  long: arrow.vectorFromArray(long, new arrow.Utf8())
})
const table = new arrow.Table(columns(new arrow.Utf8()))
fs.writeFileSync(`${folder}/arrow.arrow`, arrow.tableToIPC(table, 'file'))
fs.writeFileSync(`${folder}/arrow.arrows`, arrow.tableToIPC(table, 'stream'))

// The writer of Arrow takes its compression from elsewhere. Before a packed buffer it writes the packed size, where the
// format has the unpacked one.
class PackingWriter extends arrow.RecordBatchFileWriter {
  _compressBodyBuffers (buffers) {
    const packed = super._compressBodyBuffers(buffers)
    buffers.forEach((buffer, i) => {
      const prefix = packed.buffers[2 * i] // -1 stays: the buffer is not packed
      if (prefix.length > 0 && new DataView(prefix.buffer).getBigInt64(0, true) !== -1n)
        new DataView(prefix.buffer).setBigInt64(0, BigInt(buffer.byteLength), true)
    })
    return packed
  }
}

for (const [name, type, command] of [['lz4', arrow.CompressionType.LZ4_FRAME, ['lz4', '-c', '-q']],
  ['zstd', arrow.CompressionType.ZSTD, ['zstd', '-c', '-q']]]) {
  const encode = input => new Uint8Array(execFileSync(command[0], command.slice(1), { input }))
  arrow.compressionRegistry.set(type, { encode })
  const writer = new PackingWriter({ compressionType: type })
  writer.writeAll(table)
  fs.writeFileSync(`${folder}/${name}.arrow`, writer.toUint8Array(true))
}

// arrow-rs, by way of WebAssembly.
const properties = new wasm.WriterPropertiesBuilder().setWriterVersion(wasm.WriterVersion.V2)
  .setDictionaryEnabled(false).setMaxRowGroupSize(1500).setCompression(wasm.Compression.LZ4_RAW).build()
fs.writeFileSync(`${folder}/wasm.parquet`,
  wasm.writeParquet(wasm.Table.fromIPCStream(fs.readFileSync(`${folder}/arrow.arrows`)), properties))
fs.writeFileSync(`${folder}/dictionary.arrow`,
  arrow.tableToIPC(new arrow.Table(columns(new arrow.Dictionary(new arrow.Utf8(), new arrow.Int16()))), 'file'))

// A dictionary that has a null among its texts.
const distinct = [null, ...new Set(texts.filter(text => text !== null))]
const withNull = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())
const indexes = arrow.makeData({
  type: withNull, length: count, nullCount: 0, data: Int32Array.from(texts, text => distinct.indexOf(text)),
  dictionary: arrow.vectorFromArray(distinct, new arrow.Utf8())
})
const someNull = new arrow.Table({ ...columns(new arrow.Utf8()), text: new arrow.Vector([indexes]) })
fs.writeFileSync(`${folder}/null.arrow`, arrow.tableToIPC(someNull, 'file'))
