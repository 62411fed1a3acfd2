// Writes src/text/letter_ranges.h: which code points are letters, numbers and white space. node knows Unicode, so no
// file of Unicode is needed: node 20.20 has Unicode 17.0.
// usage: node tools/make-letter-classes.mjs >src/text/letter_ranges.h

const classes = { LETTER: /\p{L}/u, NUMBER: /\p{N}/u, SPACE: /\p{White_Space}/u }
const classOf = text => Object.keys(classes).find(name => classes[name].test(text)) ?? 'OTHER'

const ranges = []
for (let code = 0; code <= 0x10ffff; code++) {
  const name = classOf(String.fromCodePoint(code)), last = ranges.at(-1)
  if (last?.name === name && last.end === code) last.end++
  else if (name !== 'OTHER') ranges.push({ name, first: code, end: code + 1 })
}

const hex = number => '0x' + number.toString(16).padStart(4, '0')
const lines = ['   ']
for (const { name, first, end } of ranges) {
  const entry = `R(${hex(first)}, ${hex(end - 1)}, ${name})`
  if (lines.at(-1).length + entry.length + 2 > 120) lines.push('   ')
  lines.push(lines.pop() + ' ' + entry + ',')
}
console.log(`/* Letters, numbers and white space: first and last code point, class. Made by tools/make-letter-classes.mjs from
 * Unicode ${process.versions.unicode}. */
${lines.join('\n')}`)
