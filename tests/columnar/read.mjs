// Reads files of columns that quern wrote with several programs, and compares ids and vectors, bit for bit, with the
// array that it wrote of the same texts.
// usage: read.mjs FOLDER: with NAME.npy, NAME.ids.jsonl, NAME.arrow and NAME.parquet for each NAME of a number format
import fs from 'node:fs'
import { createRequire } from 'node:module'
import * as arrow from 'apache-arrow'
import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'

const { readParquet, Table } = createRequire(import.meta.url)('parquet-wasm/node')
const folder = process.argv[2]
const connection = await (await DuckDBInstance.create()).connect()

// From a half float to a number.
function half (bits) {
  const sign = bits >> 15 ? -1 : 1; const exponent = bits >> 10 & 31; const fraction = bits & 1023
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

// The rows of the array, as lists of numbers.
function vectors (path) {
  const bytes = fs.readFileSync(path)
  const [, type, rows, width] = bytes.toString('latin1', 0, 128).match(/'descr': '(...)'.*'shape': \((\d+), (\d+)\)/)
  const data = bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length)
  const numbers = { '<f4': () => [...new Float32Array(data)], '<f2': () => [...new Uint16Array(data)].map(half),
    '|i1': () => [...new Int8Array(data)], '|u1': () => [...new Uint8Array(data)] }[type]()
  return [...Array(+rows).keys()].map(i => numbers.slice(i * width, (i + 1) * width))
}

function fromArrow (table) {
  if (!arrow.DataType.isFixedSizeList(table.schema.fields.at(-1).type)) throw new Error('the length of lists is lost')
  return table.toArray().map(row => ({ ...row.toJSON(), embedding: [...row.embedding] }))
}

const readers = {
  'arrow apache-arrow': path => fromArrow(arrow.tableFromIPC(fs.readFileSync(path))),
  'arrow arrow-rs': path => fromArrow(arrow.tableFromIPC(
    Table.fromIPCStream(fs.readFileSync(path).subarray(8)).intoIPCStream())), // a file holds a stream
  'parquet arrow-rs': path => fromArrow(arrow.tableFromIPC(readParquet(fs.readFileSync(path)).intoIPCStream())),
  'parquet hyparquet': async path => (await parquetReadObjects({ file: await asyncBufferFromFile(path) })),
  'parquet duckdb': async path => (await connection.runAndReadAll(`select * from '${path}'`)).getRowObjectsJS()
}

let failures = 0
for (const dtype of ['f32', 'f16', 'int8', 'binary']) {
  const wanted = vectors(`${folder}/${dtype}.npy`)
  const members = fs.readFileSync(`${folder}/${dtype}.ids.jsonl`, 'utf8').trimEnd().split('\n').map(l => JSON.parse(l))
  for (const [name, read] of Object.entries(readers)) {
    const rows = await read(`${folder}/${dtype}.${name.split(' ')[0]}`)
    const different = wanted.filter((vector, i) => rows[i].id !== members[i].id || rows[i].long !== members[i].long ||
      Number(rows[i].tokens) !== members[i].tokens || Number(rows[i].half) !== members[i].half ||
      vector.length !== rows[i].embedding.length || vector.some((x, j) => x !== Number(rows[i].embedding[j]))).length
    console.log(`${dtype} ${name}: ${rows.length} rows, ${different} differ`)
    failures += different > 0 || rows.length !== wanted.length
  }
}
process.exit(failures > 0 ? 1 : 0)
