// Reads the keys of a GGUF file.
import fs from 'node:fs'

const STRING = 8, ARRAY = 9
const SIZES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }

// Returns the keys of a file: { type, element, count, bytes, strings }, where bytes are those behind the type.
export function readKeys (file) {
  const data = fs.readFileSync(file)
  const keys = {}
  let at = 16
  const number = size => { at += size; return size === 8 ? Number(data.readBigUInt64LE(at - 8)) : data.readUInt32LE(at - 4) }
  const string = () => { const length = number(8); at += length; return data.toString('utf8', at - length, at) }
  for (let left = number(8); left > 0; left--) {
    const name = string(), type = number(4), begin = at
    const key = { type, element: type, count: 1 }
    if (type === ARRAY) [key.element, key.count] = [number(4), number(8)]
    const values = at
    if (key.element === STRING) key.strings = Array.from({ length: key.count }, string)
    else at += SIZES[key.element] * key.count
    keys[name] = { ...key, bytes: data.subarray(begin, at), values: data.subarray(values, at) }
  }
  return keys
}
