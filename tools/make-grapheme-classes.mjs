// Writes src/text/grapheme_ranges.h: the classes of code points that decide where a text is divided into grapheme
// clusters. node knows Unicode: its segmenter is asked how each code point behaves beside others, so that no file of
// Unicode is needed. node 20.20 has Unicode 17.0.
// usage: node tools/make-grapheme-classes.mjs >src/text/grapheme_ranges.h

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
const isOne = text => segmenter.segment(text).containing(0).segment.length === text.length

const KA = '\u0915', VIRAMA = '\u094d', L = '\u1100', V = '\u1161', T = '\u11a8'
const ZWJ = 0x200d

// Syllables of Hangul are not listed: their class follows from their number.
const isSyllable = code => code >= 0xac00 && code <= 0xd7a3

function classOf (code) {
  const c = String.fromCodePoint(code)
  if (c === '\r') return 'CR'
  if (c === '\n') return 'LF'
  if (code === ZWJ) return 'ZWJ'
  if (isOne('a' + c)) {
    if (!/^[\p{Grapheme_Extend}\p{Emoji_Modifier}]$/u.test(c)) return 'SPACING_MARK'
    if (isOne(KA + c + KA)) return 'LINKER'
    return isOne(KA + VIRAMA + c + KA) ? 'EXTEND' : 'OTHER_EXTEND'
  }
  if (!isOne(c + '\u0301')) return 'CONTROL'
  if (isOne(c + 'a')) return 'PREPEND'
  if (/^\p{Regional_Indicator}$/u.test(c)) return 'REGIONAL'
  if (/^\p{Extended_Pictographic}$/u.test(c)) return 'PICTOGRAPH'
  if (isOne(KA + VIRAMA + c)) return 'CONSONANT'
  if (isOne(c + L)) return 'HANGUL_L'
  if (isOne(L + c)) return 'HANGUL_V'
  if (isOne(V + c)) return 'HANGUL_T'
  return 'OTHER'
}

const ranges = []
for (let code = 0; code <= 0x10ffff; code++) {
  if (isSyllable(code)) continue
  const name = code >= 0xd800 && code < 0xe000 ? 'OTHER' : classOf(code), last = ranges.at(-1)
  if (last !== undefined && last.name === name && last.end === code) last.end++
  else if (name !== 'OTHER') ranges.push({ name, first: code, end: code + 1 })
}

const hex = number => '0x' + number.toString(16).padStart(4, '0')
const entries = ranges.map(({ name, first, end }) => `R(${hex(first)}, ${hex(end - 1)}, ${name})`)
const lines = ['   ']
for (const entry of entries) {
  if (lines.at(-1).length + entry.length + 2 > 120) lines.push('   ')
  lines.push(lines.pop() + ' ' + entry + ',')
}
console.log(`/* Classes of code points, as quern_grapheme_class has them: first, last, class. Made by
 * tools/make-grapheme-classes.mjs from Unicode ${process.versions.unicode}. */
${lines.join('\n')}`)
