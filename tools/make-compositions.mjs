// Writes src/text/composition_table.h: the canonical compositions and combining classes of Unicode, for its normal form
// C. node knows Unicode, so no file of Unicode is needed: node 20.20 has Unicode 17.0. Syllables of Hangul are not
// listed: they follow from their numbers.
// usage: node tools/make-compositions.mjs >src/text/composition_table.h

const nfc = text => text.normalize('NFC'), nfd = text => text.normalize('NFD')
const codesOf = text => Array.from(text, c => c.codePointAt(0))

const all = []
for (let code = 0; code <= 0x10ffff; code++) {
  if ((code < 0xd800 || code >= 0xe000) && (code < 0xac00 || code > 0xd7a3)) all.push(String.fromCodePoint(code))
}

// A code point is one code point in place of another, or it is two. The second of two stays as it is.
const byDecomposition = new Map(all.filter(c => nfd(c) !== c && nfc(c) === c).map(c => [nfd(c), c]))
for (const c of all) if (nfd(c) !== c && !byDecomposition.has(nfd(c))) byDecomposition.set(nfd(c), c)
const decompositions = []
for (const c of all) {
  const codes = Array.from(nfd(c))
  if (nfd(c) === c) continue
  const second = codes.length > 1 ? codes.pop() : '', first = codes.join('')
  const one = codes.length > 1 ? byDecomposition.get(first) : first
  if (one === undefined || nfd(one + second) !== nfd(c)) throw new Error('no two code points: ' + c)
  decompositions.push({ c, first: one, second, composes: nfc(c) === c })
}

// Marks of a lower class come first: so two marks show which of their classes is the lower one.
const LOWEST = '\u0334', OTHER = '\u0316'
const isMark = c => nfd(LOWEST + OTHER + c) !== LOWEST + OTHER + c || nfd(OTHER + c) !== OTHER + nfd(c) ||
  nfd(c + LOWEST) !== nfd(c) + LOWEST
const compare = (a, b) => nfd(a + b) !== a + b ? 1 : nfd(b + a) !== b + a ? -1 : 0
const marks = all.filter(c => nfd(c) === c && isMark(c)).sort(compare)
const classes = new Map()
let number = 0
marks.forEach((c, i) => classes.set(c, number += i === 0 || compare(marks[i - 1], c) !== 0 ? 1 : 0))

const ranges = []
for (const c of all) {
  const code = c.codePointAt(0), last = ranges.at(-1), mark = classes.get(c)
  if (mark === undefined) continue
  if (last?.mark === mark && last.end === code) last.end++
  else ranges.push({ first: code, end: code + 1, mark })
}

const hex = number => '0x' + number.toString(16).padStart(4, '0')
function print (entries) {
  const lines = ['   ']
  for (const entry of entries) {
    if (lines.at(-1).length + entry.length + 2 > 120) lines.push('   ')
    lines.push(lines.pop() + ' ' + entry + ',')
  }
  return lines.join('\n')
}
const code = text => text === '' ? 0 : codesOf(text)[0]
const composed = decompositions.map((d, i) => ({ ...d, i })).filter(d => d.composes)
  .sort((a, b) => code(a.first) - code(b.first) || code(a.second) - code(b.second))
console.log(`/* Made by tools/make-compositions.mjs from Unicode ${process.versions.unicode}. For normal_form.c. */

/* Code points that consist of one or two others, ascending; second 0: of one. */
static const struct decomposition decompositions[] = {
${print(decompositions.map(d => `{${hex(code(d.c))}, ${hex(code(d.first))}, ${hex(code(d.second))}}`))}
};

/* The elements of decompositions that are composed again, by first and second code point. */
static const uint16_t compositions[] = {
${print(composed.map(d => String(d.i)))}
};

/* Marks that change places: first and last code point, and a number for their combining class. A mark with a lower
 * number comes first. Other code points have the number 0. */
static const struct quern_code_range marks[] = {
${print(ranges.map(r => `{${hex(r.first)}, ${hex(r.end - 1)}, ${r.mark}}`))}
};`)
