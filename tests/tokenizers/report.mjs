// What quern makes of texts, and how that differs from what another tokenizer makes of them.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'

// A list of ids for each text, as "[1,2,3]".
export function idsOfQuern (quern, model, texts, flags) {
  const input = model + '.texts'
  fs.writeFileSync(input, texts.map(text => text + '\0').join(''))
  const printed = execFileSync(quern, ['tokenize', '-q', '-m', model, '--null', '-i', input, '--no-special', ...flags],
    { maxBuffer: 2 ** 30, encoding: 'utf8' })
  return printed.trimEnd().split('\n')
}

// The same, by a tokenizer of Hugging Face's library.
export async function idsOfOther (tokenizer, texts) {
  const encodings = await tokenizer.encodeBatch(texts, { addSpecialTokens: false })
  return encodings.map(encoding => '[' + encoding.getIds().join(',') + ']')
}

// Prints how many texts differ, and the first of them. Returns how many.
export function report (name, texts, ours, theirs) {
  if (ours.length !== texts.length) throw new Error(`${ours.length} lines for ${texts.length} texts`)
  const different = texts.map((_, i) => i).filter(i => ours[i] !== theirs[i])
  console.log(`${name}: ${texts.length} texts, ${different.length} differ`)
  for (const i of different.slice(0, 5)) console.log(JSON.stringify(texts[i]), 'quern', ours[i], 'other', theirs[i])
  return different.length
}
