// Writes src/text/wordpiece_ranges.h: what the normaliser and the pre-tokeniser of WordPiece in Hugging Face's library
// tokenizers do to each code point. The library itself is asked, so no file of Unicode is needed, and the parts of
// Unicode are of the same versions as in it. It comes with the packages of tests/tokenizers (see tests/tokenizers/run).
// usage: node tools/make-wordpiece-ranges.mjs >src/text/wordpiece_ranges.h
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(path.join(import.meta.dirname, '../tests/tokenizers/'))
const { bertNormalizer, bertPreTokenizer } = require('@anush008/tokenizers')

// Each step of the normaliser alone.
function step (name) {
  const none = { cleanText: false, handleChineseChars: false, stripAccents: false, lowercase: false }
  const normalizer = bertNormalizer({ ...none, [name]: true })
  return text => normalizer.normalizeString(text)
}
const clean = step('cleanText'), part = step('handleChineseChars'), strip = step('stripAccents')
const lower = step('lowercase')
const preTokenizer = bertPreTokenizer()

const char = String.fromCodePoint
const codesOf = text => Array.from(text, c => c.codePointAt(0))
// What becomes of a character between two letters.
const between = (f, c) => f('a' + c + 'b').slice(1, -1)

function check (condition, what) {
  if (!condition) throw new Error('the library does not do what src/text/wordpiece_characters.c expects: ' + what)
}

const isSyllable = code => code >= 0xac00 && code <= 0xd7a3
const all = []
for (let code = 0; code <= 0x10ffff; code++) if (code < 0xd800 || code > 0xdfff) all.push(code)

// Marks are sorted by their classes, up to the next character that has none. FIRST is of a low class, LAST of a high one.
const FIRST = char(0x1b44), LAST = char(0x1d16d)
check(strip('a' + LAST + FIRST) === 'a' + FIRST + LAST, 'sorting marks')
const endsSorting = c => strip('a' + LAST + c + FIRST).endsWith(FIRST)

const removed = [], white = [], single = [], ideographs = [], dropped = [], ending = [], sorted = []
const lowered = [], folded = [], several = [], severalSmall = []
for (const code of all) {
  const c = char(code)
  const cleaned = between(clean, c), stripped = between(strip, c), inLower = between(lower, c)
  if (cleaned === '') removed.push(code)
  else if (cleaned === ' ') white.push(code)
  else check(cleaned === c, 'cleaning ' + code.toString(16))

  const words = preTokenizer.preTokenizeString('a' + c + 'b').map(([word]) => word)
  if (words.length === 3) single.push(code)
  else check(words.length === 1 || cleaned.trim() === '', 'white space ' + code.toString(16))

  if (between(part, c) === ` ${c} `) ideographs.push(code)
  if (isSyllable(code)) {
    check(stripped === c.normalize('NFD'), 'Hangul')
  } else if (stripped === '') {
    (endsSorting(c) ? ending : dropped).push(code)
  } else if (stripped === c) {
    if (!endsSorting(c)) sorted.push(code)
  } else if (codesOf(stripped).length === 1) {
    check(endsSorting(c), 'a mark that becomes another')
    folded.push([code, codesOf(stripped)[0]])
  } else {
    check(lower(stripped) === stripped && codesOf(stripped).length <= 3, 'what becomes several characters')
    several.push([code, codesOf(stripped)])
  }
  if (codesOf(inLower).length > 1) severalSmall.push([code, codesOf(inLower)])
  else if (inLower !== c) lowered.push([code, codesOf(inLower)[0]])
}

// The classes of marks that stay, from 1 on.
const isBefore = (a, b) => strip('a' + char(b) + char(a)) === 'a' + char(a) + char(b)
const below = new Map(sorted.map(a => [a, sorted.filter(b => isBefore(b, a)).length]))
const ranks = [...new Set(below.values())].sort((a, b) => a - b)
const classOf = code => 1 + ranks.indexOf(below.get(code))

check(severalSmall.length === 1, 'capitals that become several characters')

// ---------------------------------------------------------------- writing

const hex = code => '0x' + code.toString(16).padStart(4, '0')

function rangesOf (codes, valueOf = () => '') {
  const ranges = []
  for (const code of codes) {
    const last = ranges.at(-1)
    if (last !== undefined && last.end === code && last.value === valueOf(code)) last.end++
    else ranges.push({ first: code, end: code + 1, value: valueOf(code) })
  }
  return ranges.map(({ first, end, value }) => `{${hex(first)}, ${hex(end - 1)}${value}}`)
}

// Lower case: from first to last, each `step`-th code point becomes itself plus `delta`.
function lowerRanges () {
  const ranges = []
  for (const [code, to] of lowered) {
    const last = ranges.at(-1), delta = to - code
    if (last !== undefined && last.delta === delta && (code - last.last === last.step ||
        (last.first === last.last && code - last.last === 2))) {
      last.step = code - last.last
      last.last = code
    } else {
      ranges.push({ first: code, last: code, step: 1, delta })
    }
  }
  return ranges.map(({ first, last, step, delta }) => `{${hex(first)}, ${hex(last)}, ${step}, ${delta}}`)
}

function array (comment, declaration, entries) {
  const lines = ['   ']
  for (const entry of entries) {
    if (lines.at(-1).length + entry.length + 2 > 120) lines.push('   ')
    lines.push(lines.pop() + ' ' + entry + ',')
  }
  console.log(`\n/* ${comment} */\nstatic const ${declaration}[] = {\n${lines.join('\n')}\n};`)
}

const number = code => ', ' + code
console.log(`/* What happens to code points before WordPiece. Measured by tools/make-wordpiece-ranges.mjs on the normaliser and the
 * pre-tokeniser of Hugging Face's library tokenizers. For wordpiece_characters.c, which says what each list means. */
#ifndef QUERN_TEXT_WORDPIECE_RANGES_H
#define QUERN_TEXT_WORDPIECE_RANGES_H

#include <stdint.h>

struct range {
    uint32_t first, last;
};

struct mark_range {
    uint32_t first, last;
    uint32_t order; /* of two marks beside each other, the one with the smaller number comes first */
};

struct lower_range {
    uint32_t first, last, step;
    int32_t delta;
};

struct several {
    uint32_t code, to[3]; /* 0: there is none */
};`)
array('Left out.', 'struct range removed', rangesOf(removed))
array('White space.', 'struct range white', rangesOf(white))
array('Punctuation.', 'struct range punctuation', rangesOf(single))
array('Ideographs that are words by themselves.', 'struct range ideographs', rangesOf(ideographs))
array('Accents: left out where accents are.', 'struct range accents', rangesOf(dropped))
array('The same, but marks are not sorted across them.', 'struct range dividing_accents', rangesOf(ending))
array('Marks that stay where accents are left out, but are sorted.', 'struct mark_range sorted_marks',
  rangesOf(sorted, code => number(classOf(code))))
array('Capital letters.', 'struct lower_range capitals', lowerRanges())
array('Characters that become one other without their accents.', 'struct range accented',
  rangesOf(folded.map(([code]) => code)))
array('What these become, in the same order.', 'uint32_t unaccented', folded.map(([, to]) => hex(to)))
const entryOf = ([code, to]) => `{${hex(code)}, {${[...to, 0, 0].slice(0, 3).map(hex).join(', ')}}}`
array('Characters that become two or three others without their accents.', 'struct several several',
  several.map(entryOf))
array('The capital that becomes two characters.', 'struct several several_small', severalSmall.map(entryOf))
console.log('\n#endif')
