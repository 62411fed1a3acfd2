// Makes a tiny BERT with the unigram vocabulary of another GGUF file, and the same vocabulary as Hugging Face's
// tokenizer.json has it.
import { writeBert } from './bert.mjs'
import { readKeys } from './gguf_keys.mjs'

const UNUSED = 5

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
