// Makes a tiny BERT with the unigram vocabulary of another GGUF file, and the same vocabulary as Hugging Face's
// tokenizer.json has it.
import fs from 'node:fs'
import { writeBert } from './bert.mjs'

const STRING = 8, ARRAY = 9
const SIZES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const UNUSED = 5

// Returns the keys of a file: { type, element, count, bytes, strings }, where bytes are those behind the type.
function readKeys (file) {
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

// Returns the vocabulary as tokenizer.json has it, without special tokens, and these. A special token that is not to be
// found in a text has another name in the model.
function readTokenizer (keys) {
  const t = 'tokenizer.ggml.'
  const tokens = keys[t + 'tokens'].strings, count = tokens.length
  const types = new Int32Array(count), scores = new Float32Array(count)
  Buffer.from(types.buffer).set(keys[t + 'token_type'].values)
  Buffer.from(scores.buffer).set(keys[t + 'scores'].values)
  const used = types.findLastIndex(type => type !== UNUSED) + 1
  const special = []
  const vocab = tokens.slice(0, used).map((token, id) => {
    if (types[id] === 1) return [token, scores[id]]
    special.push({ id, content: token, special: true, normalized: false, lstrip: token === '<mask>', rstrip: false,
      single_word: false })
    return [`\ue000special ${id}`, 0]
  })
  const json = {
    normalizer: { type: 'Precompiled', precompiled_charsmap: keys[t + 'precompiled_charsmap'].values.toString('base64') },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }] },
    model: { type: 'Unigram', unk_id: keys[t + 'unknown_token_id'].values.readUInt32LE(0), vocab }
  }
  return { json, special }
}

export function makeUnigram (vocabulary, model) {
  const keys = readKeys(vocabulary)
  writeBert(model, keys, keys['tokenizer.ggml.tokens'].strings.length)
  return readTokenizer(keys)
}
