// Writes a tiny BERT as a GGUF file. All its weights are zero: it is for its tokenizer only.
import fs from 'node:fs'

const U32 = 4, I32 = 5, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9
const WIDTH = 32, CONTEXT = 16

const u32 = value => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b }
const u64 = value => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b }
const f32 = value => { const b = Buffer.alloc(4); b.writeFloatLE(value); return b }
const text = value => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)])

// Writes a model with a vocabulary of so many rows. Of the keys it takes those of the tokenizer: { type, bytes }.
export function writeBert (file, keys, rows) {
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

// Keys as writeBert takes them.
export const stringKey = value => ({ type: STRING, bytes: text(value) })
export const numberKey = value => ({ type: U32, bytes: u32(value) })
export const boolKey = value => ({ type: BOOL, bytes: Buffer.from([value ? 1 : 0]) })
const array = (element, values, bytes) => Buffer.concat([u32(element), u64(values.length), ...values.map(bytes)])
export const stringsKey = values => ({ type: ARRAY, bytes: array(STRING, values, text) })
export const numbersKey = values => ({ type: ARRAY, bytes: array(I32, values, u32) })
