// Writes the same records to files of columns with several programs, and as JSON lines.
// usage: write.mjs FOLDER
import fs from 'node:fs'
import * as arrow from 'apache-arrow'
import { DuckDBInstance } from '@duckdb/node-api'
import { parquetWriteFile } from 'hyparquet-writer'

const folder = process.argv[2]
const count = 5000 // more than two row groups of DuckDB
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
await parquetWriteFile({
  filename: `${folder}/hyparquet.parquet`,
  rowGroupSize: 1000,
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
fs.writeFileSync(`${folder}/dictionary.arrow`,
  arrow.tableToIPC(new arrow.Table(columns(new arrow.Dictionary(new arrow.Utf8(), new arrow.Int16()))), 'file'))
