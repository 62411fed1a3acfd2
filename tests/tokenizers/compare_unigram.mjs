// usage: node compare_unigram.mjs QUERN FOLDER VOCABULARY COUNT
// Compares the ids of texts with those of Hugging Face's tokenizers, on the unigram vocabulary of a GGUF file.
import { createRequire } from 'node:module'
import path from 'node:path'
import { idsOfOther, idsOfQuern, report } from './report.mjs'
import { makeMarkedTexts, makeTexts } from './texts.mjs'
import { makeUnigram } from './unigram.mjs'

const [quern, work, vocabulary, count] = process.argv.slice(2)
const { Tokenizer } = createRequire(import.meta.url)('@anush008/tokenizers')
const model = path.join(work, 'unigram.gguf')
const { json, special } = makeUnigram(vocabulary, model)
const pieces = json.model.vocab.map(([piece]) => piece)
const texts = [...makeTexts(Number(count), pieces), ...makeMarkedTexts(Number(count))]

function other (added) {
  const vocab = json.model.vocab.map(entry => [...entry])
  for (const { id, content } of added) vocab[id][0] = content
  return Tokenizer.fromString(JSON.stringify({ version: '1.0', truncation: null, padding: null, ...json,
    model: { ...json.model, vocab }, added_tokens: added, post_processor: null, decoder: null }))
}

async function compare (name, flags, added) {
  const theirs = await idsOfOther(other(added), texts)
  return report('unigram, ' + name, texts, idsOfQuern(quern, model, texts, flags), theirs)
}

const wrong = await compare('special tokens stay text', [], []) +
  await compare('special tokens are parsed', ['--parse-special'], special)
process.exit(wrong ? 1 : 0)
