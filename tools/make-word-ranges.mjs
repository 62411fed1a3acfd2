// Writes passages/word_ranges.h: the characters of words beyond ASCII, for a search by words. node knows Unicode, so no
// file of Unicode is needed: node 20.20 has Unicode 17.0.
// usage: node tools/make-word-ranges.mjs >passages/word_ranges.h

const word = /[\p{L}\p{N}\p{M}\p{Pc}]/u
// Writing without spaces between words; the marks below U+0E00 belong to other writing, too.
const unspaced = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u

// A character and its capitals become the same one. What becomes several characters stays as it is; so does the dotless
// i, which is no small letter of I in most languages.
const only = text => [...text].length === 1 ? text.codePointAt(0) : undefined
function foldOf(code) {
  const text = String.fromCodePoint(code)
  if (code === 0x131) return code
  return only((only(text.toUpperCase()) === undefined ? text : text.toUpperCase()).toLowerCase()) ?? code
}

const ranges = []
for (let code = 0x80; code <= 0x10ffff; code++) {
  const text = String.fromCodePoint(code)
  if (!word.test(text)) continue
  const name = code >= 0xe00 && unspaced.test(text) ? 'UNSPACED' : 'SPACED', delta = foldOf(code) - code, last = ranges.at(-1)
  const isNext = last?.name === name && last.end === code
  if (isNext && last.deltas.length === 1 && last.deltas[0] === delta) {
    last.end++
  } else if (isNext && last.deltas.length === 2 && last.deltas[(code - last.first) % 2] === delta) {
    last.end++
  } else if (isNext && last.end - last.first === 1 && last.deltas[0] === 1 && delta === 0) {
    last.deltas.push(0) // a capital, its small letter, a capital, and so on
    last.end++
  } else {
    ranges.push({ name, first: code, end: code + 1, deltas: [delta] })
  }
}

const hex = number => '0x' + number.toString(16).padStart(4, '0')
const lines = ['   ']
for (const { name, first, end, deltas } of ranges) {
  const places = `${hex(first)}, ${hex(end - 1)}`
  const entry = deltas.length === 2 ? `PAIRS(${places})` : name === 'UNSPACED' ? `UNSPACED(${places})`
    : deltas[0] === 0 ? `SMALL(${places})` : `CAPITAL(${places}, ${deltas[0]})`
  if (lines.at(-1).length + entry.length + 2 > 120) lines.push('   ')
  lines.push(lines.pop() + ' ' + entry + ',')
}
console.log(`/* The characters of words beyond ASCII: first and last code point. CAPITAL: what is added to make small letters. PAIRS:
 * of two neighbours, the first is a capital, and the second its small letter. UNSPACED: of writing without spaces
 * between words. Made by tools/make-word-ranges.mjs from Unicode ${process.versions.unicode}. For text_words.c. */
${lines.join('\n')}`)
