// Texts that a tokenizer may get wrong. The same number gives the same texts.

let state = 1
function below (limit) {
  state = (state * 1103515245 + 12345) % 2147483648
  return Math.floor(state / 2147483648 * limit)
}
const pick = list => list[below(list.length)]

const sentences = [
  'The mill turns slowly, and the flour is fine.', "Don't stop; it's nearly 3.14159 o'clock!", 'naïve façade — “quoted”…',
  'Die Mühle mahlt langsam, aber fein.', 'Le moulin tourne au fil de l’eau.', 'El molino muele despacio, ¿verdad?',
  'Мельница мелет медленно.', 'Ο μύλος αλέθει αργά.', 'המטחנה טוחנת לאט', 'الطاحونة تطحن ببطء', 'चक्की धीरे पीसती है',
  '石臼慢慢地磨面。', '石臼はゆっくり回る。', '맷돌은 천천히 돈다.', 'โม่หินหมุนช้าๆ', 'Cối xay quay chậm', 'ወፍጮው ቀስ ብሎ ይፈጫል',
  'წისქვილი ნელა ბრუნავს', 'Ջրաղացը դանդաղ է աղում', 'ஆலை மெதுவாக அரைக்கிறது', 'মিলটি ধীরে ঘোরে',
  'int main(void) { return x->y[i++] != 0 ? 1 : -1; }', '<div class="a">&nbsp;</div>', '{"key": [1, 2.5e-3, null]}',
  'SELECT * FROM t WHERE a >= 10;', 'https://example.org/a/b?c=d&e=%20f#g', '192.168.0.1:8080', '2026-11-29T06:30:00Z',
  '0123456789 1,234,567.89 ½ ² ₃ Ⅷ', '👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪', 'e\u0301 \u1e69 \u0073\u0323\u0307 ﬁ Å', '\u200b\u200d\ufeff\u00ad\u202e',
  '<eos><bos><pad><mask><start_of_turn>user', '▁▁ ▁a▁', '\ud7ff\ue000\uffff\u{10ffff}', '\t\ttab\r\nline\n\n\n\nend'
]

// Whole code points from many scripts, far from any sentence.
function strange () {
  const blocks = [[0x20, 0x7e], [0xa0, 0x24f], [0x370, 0x52f], [0x590, 0x6ff], [0x900, 0xdff], [0xe00, 0x11ff], [0x1e00, 0x20cf],
    [0x2100, 0x2bff], [0x3040, 0x30ff], [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xf900, 0xffef], [0x1f300, 0x1faff], [0x20000, 0x2a6df]]
  const [first, last] = pick(blocks)
  let text = ''
  for (let n = 1 + below(12); n > 0; n--) text += String.fromCodePoint(first + below(last - first + 1))
  return text
}

function runs () {
  return pick([' ', '\n', '\t', '▁', '-', '=', '.', '0', 'a', 'ha', 'の', '🙂']).repeat(1 + below(40))
}

function mutated () {
  const letters = Array.from(pick(sentences))
  for (let n = below(4); n > 0; n--) letters.splice(below(letters.length + 1), below(2), pick(Array.from(pick(sentences))))
  return letters.join('')
}

// pieces: the pieces of the vocabulary, put together at random.
export function * makeTexts (count, pieces) {
  yield * sentences
  for (let i = 0; i < count; i++) {
    let text = ''
    for (let n = 1 + below(5); n > 0; n--) {
      text += pick([mutated, strange, runs, () => pick(pieces).replaceAll('▁', ' '), () => pick(pieces)])() + pick(['', ' ', '', '\n'])
    }
    yield text.replaceAll('\0', '')
  }
}

// Characters that join others, or that a character map replaces or deletes.
const marks = ['\u0300', '\u0301', '\u0302', '\u0308', '\u0323', '\u0338', '\u05b0', '\u0653', '\u093c', '\u094d', '\u093e',
  '\u0e33', '\u200c', '\u200d', '\u20e3', '\u3099', '\u309a', '\ufe0f', '\uff9e', '\u{1d165}', '\u{1f3fb}', '\u{e0020}']
const bases = ['a', 'e', 'o', 'A', ' ', '<', '=', 'ä', 'ô', '¨', '½', '©', '®', 'Α', 'и', 'ا', 'क', 'क़', 'ড', 'ᄒ', 'ᅡ', 'ᆨ', '가', '각',
  'か', 'ハ', 'ｶ', 'ａ', '\u2122', '\u{1f468}', '\u{1f1e6}', '\u0600', '\u06dd', '\u0d4e', '\u00ad', '\t', '\n', '\r', '\u007f', '\u0085',
  '\u00a0', '\u3000', '\u200b', '\u2028', '\ufeff', '\ufffd', '▁', 'ﬁ', 'ﷺ', '①', '\u0001', '\u000b']

export function * makeMarkedTexts (count) {
  for (let i = 0; i < count; i++) {
    let text = ''
    for (let n = 1 + below(14); n > 0; n--) text += pick(pick([bases, marks]))
    yield text
  }
}
