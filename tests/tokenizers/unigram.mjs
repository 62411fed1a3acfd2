// Makes a tiny BERT with the unigram vocabulary of another GGUF file, and the same vocabulary as Hugging Face's
// tokenizer.json has it.
import fs from 'node:fs'

const U8 = 0, I8 = 1, U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9
const SIZES = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 }
const UNUSED = 5
const WIDTH = 32, CONTEXT = 16

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

const u32 = value => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b }
const u64 = value => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b }
const f32 = value => { const b = Buffer.alloc(4); b.writeFloatLE(value); return b }
const text = value => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

function writeModel (file, keys, rows) {
  const shapes = {
    'token_embd.weight': [WIDTH, rows], 'position_embd.weight': [WIDTH, CONTEXT], 'token_types.weight': [WIDTH, 1]
  }
  for (const name of ['token_embd_norm', 'blk.0.attn_output_norm', 'blk.0.layer_output_norm']) {
    shapes[name + '.weight'] = shapes[name + '.bias'] = [WIDTH]
  }
  for (const name of ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_up', 'ffn_down']) {
    shapes[`blk.0.${name}.weight`] = [WIDTH, WIDTH]
    shapes[`blk.0.${name}.bias`] = [WIDTH]
  }
  const own = {
    'general.architecture': [STRING, text('bert')], 'bert.context_length': [U32, u32(CONTEXT)],
    'bert.embedding_length': [U32, u32(WIDTH)], 'bert.block_count': [U32, u32(1)],
    'bert.feed_forward_length': [U32, u32(WIDTH)], 'bert.attention.head_count': [U32, u32(1)],
    'bert.attention.layer_norm_epsilon': [F32, f32(1e-5)], 'bert.attention.causal': [BOOL, Buffer.from([0])],
    'bert.pooling_type': [U32, u32(1)]
  }
  const names = Object.keys(keys).filter(name => name.startsWith('tokenizer.'))
  const parts = [Buffer.from('GGUF'), u32(3), u64(Object.keys(shapes).length),
    u64(Object.keys(own).length + names.length)]
  for (const [name, [type, bytes]] of Object.entries(own)) parts.push(text(name), u32(type), bytes)
  for (const name of names) parts.push(text(name), u32(keys[name].type), keys[name].bytes)
  let size = 0
  for (const [name, shape] of Object.entries(shapes)) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(size))
    size += 4 * shape.reduce((a, b) => a * b)
  }
  const header = Buffer.concat(parts)
  fs.writeFileSync(file, Buffer.concat([header, Buffer.alloc(-header.length & 31), Buffer.alloc(size)]))
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
  writeModel(model, keys, keys['tokenizer.ggml.tokens'].strings.length)
  return readTokenizer(keys)
}
