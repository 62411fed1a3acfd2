// usage: node compare_unigram.mjs QUERN FOLDER VOCABULARY COUNT
// Compares the ids of texts with those of Hugging Face's tokenizers, on the unigram vocabulary of a GGUF file.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { makeMarkedTexts, makeTexts } from './texts.mjs'
import { makeUnigram } from './unigram.mjs'

const [quern, work, vocabulary, count] = process.argv.slice(2)
const { Tokenizer } = createRequire(import.meta.url)('@anush008/tokenizers')
const model = path.join(work, 'unigram.gguf'), input = path.join(work, 'unigram.texts')
const { json, special } = makeUnigram(vocabulary, model)
const pieces = json.model.vocab.map(([piece]) => piece)
const texts = [...makeTexts(Number(count), pieces), ...makeMarkedTexts(Number(count))]
fs.writeFileSync(input, texts.map(text => text + '\0').join(''))

function idsOfQuern (flags) {
  const printed = execFileSync(quern, ['tokenize', '-q', '-m', model, '--null', '-i', input, '--no-special', ...flags],
    { maxBuffer: 2 ** 30, encoding: 'utf8' })
  return printed.trimEnd().split('\n')
}

async function idsOfOther (added) {
  const vocab = json.model.vocab.map(entry => [...entry])
  for (const { id, content } of added) vocab[id][0] = content
  const whole = { version: '1.0', truncation: null, padding: null, ...json, model: { ...json.model, vocab },
    added_tokens: added, post_processor: null, decoder: null }
  const encodings = await Tokenizer.fromString(JSON.stringify(whole)).encodeBatch(texts, { addSpecialTokens: false })
  return encodings.map(encoding => '[' + encoding.getIds().join(',') + ']')
}

async function compare (name, flags, added) {
  const ours = idsOfQuern(flags), theirs = await idsOfOther(added)
  if (ours.length !== texts.length) throw new Error(`${ours.length} lines for ${texts.length} texts`)
  const different = texts.map((_, i) => i).filter(i => ours[i] !== theirs[i])
  console.log(`unigram, ${name}: ${texts.length} texts, ${different.length} differ`)
  for (const i of different.slice(0, 5)) console.log(JSON.stringify(texts[i]), 'quern', ours[i], 'other', theirs[i])
  return different.length
}

const wrong = await compare('special tokens stay text', [], []) +
  await compare('special tokens are parsed', ['--parse-special'], special)
process.exit(wrong ? 1 : 0)
