// usage: node compare_bpe.mjs QUERN FOLDER VOCABULARY COUNT
// Compares the ids of texts with those of Hugging Face's tokenizers, on the BPE vocabulary of a GGUF file. That of
// GPT-NeoX, which names no rule for words, is taken as ModernBERT's, of which it is the base.
import { createRequire } from 'node:module'
import path from 'node:path'
import { stringKey, writeBert } from './bert.mjs'
import { readKeys } from './gguf_keys.mjs'
import { idsOfOther, idsOfQuern, report } from './report.mjs'
import { makeMarkedTexts, makeTexts } from './texts.mjs'

const [quern, work, vocabulary, count] = process.argv.slice(2)
const { Tokenizer } = createRequire(import.meta.url)('@anush008/tokenizers')
const CONTROL = 3, USER_DEFINED = 4
const t = 'tokenizer.ggml.', keys = readKeys(vocabulary), model = path.join(work, 'bpe.gguf')
const byBytes = keys[t + 'model'].strings[0] === 'gpt2'
keys[t + 'pre'] ??= { ...stringKey('modern-bert'), strings: ['modern-bert'] }
const pre = keys[t + 'pre'].strings[0], tokens = keys[t + 'tokens'].strings
writeBert(model, keys, tokens.length)

const types = new Int32Array(tokens.length)
Buffer.from(types.buffer).set(keys[t + 'token_type'].values)
const merges = keys[t + 'merges'].strings.map(merge => {
  const space = merge.indexOf(' ', 1)
  return [merge.slice(0, space), merge.slice(space + 1)]
})

// The text of a piece of byte-level BPE. Not all are text on their own.
const bytes = new Map()
for (let byte = 0, other = 256; byte < 256; byte++) {
  const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  bytes.set(printable ? byte : other++, byte)
}
const textOf = piece => byBytes ? Buffer.from(Array.from(piece, c => bytes.get(c.codePointAt(0)) ?? 63)).toString() : piece

const QWEN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|` +
  String.raw`\s+(?!\S)|\s+`
const byteLevel = useRegex => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: useRegex })
const split = pattern => ({ type: 'Split', pattern, behavior: 'Isolated', invert: false })
const rules = {
  qwen2: { normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [split({ Regex: QWEN }), byteLevel(false)] } },
  'modern-bert': { normalizer: { type: 'NFC' }, pre_tokenizer: byteLevel(true) },
  'gpt-2': { normalizer: null, pre_tokenizer: byteLevel(true) }
}
const characters = { normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false } }

function other (added) {
  return Tokenizer.fromString(JSON.stringify({
    version: '1.0', truncation: null, padding: null, post_processor: null, decoder: null,
    ...(byBytes ? rules[pre] : characters), added_tokens: added,
    model: { type: 'BPE', dropout: null, unk_token: byBytes ? null : '<unk>', continuing_subword_prefix: null,
      end_of_word_suffix: null, fuse_unk: !byBytes, byte_fallback: !byBytes, merges,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])) }
  }))
}

const added = tokens.map((content, id) => ({ id, content, special: types[id] === CONTROL, normalized: false,
  lstrip: false, rstrip: false, single_word: false })).filter(({ id }) => [CONTROL, USER_DEFINED].includes(types[id]))
const texts = [...makeTexts(Number(count), tokens.map(textOf)), ...makeMarkedTexts(Number(count))]
texts.forEach((text, i) => { if (i % 9 === 0) texts[i] = text + added[i % added.length].content + texts[i % 7] })
texts.forEach((text, i) => { texts[i] = text.replace(/^\ufeff+/, '') }) // the command takes it for a byte order mark

async function compare (name, flags, tokens) {
  const theirs = await idsOfOther(other(tokens), texts)
  return report(`${path.basename(vocabulary, '.gguf')}, ${name}`, texts, idsOfQuern(quern, model, texts, flags), theirs)
}

const always = added.filter(({ special, content }) => !special && content !== '<|tool_response>')
const wrong = await compare('special tokens stay text', [], always) +
  await compare('special tokens are parsed', ['--parse-special'], added)
process.exit(wrong ? 1 : 0)
