// Writes an ONNX model by hand: the products and the attention of a transformer, with weights of int8, as ONNX
// Runtime's own quantisation writes them. No rotation, norms, activation function, head or tokenizer. So its time says
// how fast the products are, and no more. tests/test_compare.mjs tests this file.
//
// An ONNX file is a message in the encoding of protocol buffers. The numbers of fields are those of onnx.proto.

// ---------------------------------------------------------------- the encoding: functions return lists of buffers

function varint(value) {
    const bytes = [];
    for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
        bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
        if (rest <= 127n)
            return Buffer.from(bytes);
    }
}

const integer = (field, value) => [varint(field * 8), varint(value)];
const size = (parts) => parts.reduce((sum, part) => sum + part.length, 0);
const message = (field, ...parts) => [varint(field * 8 + 2), varint(size(parts.flat())), ...parts.flat()];
const string = (field, text) => message(field, [Buffer.from(text)]);

// ---------------------------------------------------------------- parts of a graph

const FLOAT = 1, INT8 = 3, INT64 = 7; // types of elements
const AN_INTEGER = 2, INTEGERS = 7; // types of attributes

const attribute = (name, value) => message(5, string(1, name), ...(Array.isArray(value)
    ? [...value.map((one) => integer(8, one)), integer(20, INTEGERS)]
    : [integer(3, value), integer(20, AN_INTEGER)]));

const node = (kind, inputs, outputs, attributes = {}) => message(1,
    ...inputs.map((name) => string(1, name)), ...outputs.map((name) => string(2, name)), string(4, kind),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)));

const tensor = (name, type, shape, bytes) =>
    message(5, ...shape.map((length) => integer(1, length)), integer(2, type), string(8, name), message(9, [bytes]));

const floats = (name, shape, values) => tensor(name, FLOAT, shape, Buffer.from(Float32Array.from(values).buffer));
const integers = (name, values) =>
    tensor(name, INT64, [values.length], Buffer.from(BigInt64Array.from(values, BigInt).buffer));

// A length that is a string is a name for any length.
function floatValue(field, name, lengths) {
    const dimensions = lengths.map((length) =>
        message(1, typeof length === "string" ? string(2, length) : integer(1, length)));
    return message(field, string(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...dimensions))));
}

// ---------------------------------------------------------------- the graph

// Quantises the rows `input`, multiplies them by a matrix of random bytes, and takes the products to float32.
function product(input, name, [rows, columns], scale, random) {
    const [bytes, by, zero, sums, sum, scales] =
        ["bytes", "scale", "zero", "sums", "sum", "scales"].map((part) => `${name}.${part}`);
    return [
        tensor(`${name}.weights`, INT8, [rows, columns], random(rows * columns)),
        tensor(`${name}.weights.zero`, INT8, [], Buffer.alloc(1)),
        floats(`${name}.weights.scale`, [], [scale]),
        node("DynamicQuantizeLinear", [input], [bytes, by, zero]),
        node("MatMulInteger", [bytes, `${name}.weights`, zero, `${name}.weights.zero`], [sums]),
        node("Cast", [sums], [sum], { to: FLOAT }),
        node("Mul", [by, `${name}.weights.scale`], [scales]),
        node("Mul", [sum, scales], [name])
    ].flat();
}

// Attention as programs export it: rows are sorted by heads, and the query heads that share a key head lie below each
// other, so all is two products of matrices for each key head. `name` makes the names of the layer.
function attention(name) {
    const byHeads = (part, heads, perm) => [
        node("Reshape", [name(part), heads], [name(`${part}.split`)]),
        node("Transpose", [name(`${part}.split`)], [name(`${part}.by_heads`)], { perm })
    ];
    return [
        byHeads("q", "heads", [1, 0, 2]),
        node("Reshape", [name("q.by_heads"), "key heads first"], [name("queries")]),
        byHeads("k", "key heads", [1, 2, 0]),
        byHeads("v", "key heads", [1, 0, 2]),
        node("MatMul", [name("queries"), name("k.by_heads")], [name("scores")]),
        node("Softmax", [name("scores")], [name("shares")], { axis: -1 }),
        node("MatMul", [name("shares"), name("v.by_heads")], [name("means")]),
        node("Reshape", [name("means"), "heads first"], [name("means.by_heads")]),
        node("Transpose", [name("means.by_heads")], [name("means.of_tokens")], { perm: [1, 0, 2] }),
        node("Reshape", [name("means.of_tokens"), "rows of tokens"], [name("joined")])
    ].flat(2);
}

// The feed-forward part with two matrices, or with three when one of them is a gate; without the activation function.
function feedForward(name, { width, hidden, gated }, scale, random) {
    const gate = [
        product(name("middle"), name("gate_up"), [width, 2 * hidden], scale(width), random),
        node("Split", [name("gate_up"), "gate_up sizes"], [name("gate"), name("up")], { axis: 1 }),
        node("Mul", [name("gate"), name("up")], [name("inner")])
    ];
    return [
        gated ? gate.flat() : product(name("middle"), name("inner"), [width, hidden], scale(width), random),
        product(name("inner"), name("down"), [hidden, width], scale(hidden) / 8, random)
    ].flat();
}

// Reads the rows `input`, and names its result `output`. The scales keep all numbers near 1, with weights of -128 to
// 127.
function layer(input, output, shape, random) {
    const { width, heads, keyHeads, head } = shape;
    const name = (part) => `${output}.${part}`;
    const scale = (length) => 1 / (74 * Math.sqrt(length));
    const all = (heads + 2 * keyHeads) * head;
    return [
        product(input, name("qkv"), [width, all], scale(width) / Math.sqrt(Math.sqrt(head)), random),
        node("Split", [name("qkv"), "qkv sizes"], [name("q"), name("k"), name("v")], { axis: 1 }),
        attention(name),
        product(name("joined"), name("out"), [heads * head, width], scale(heads * head) / 8, random),
        node("Add", [input, name("out")], [name("middle")]),
        feedForward(name, shape, scale, random),
        node("Add", [name("middle"), name("down")], [output])
    ].flat();
}

// Returns the bytes of a model with an input "rows" of shape [tokens, width], and an output "vector" of shape [width].
// random(count) returns so many bytes.
export function onnxGraph(shape, random) {
    const { layers, width, heads, keyHeads, head, hidden, gated } = shape;
    const rows = (i) => (i ? `layer ${i}` : "rows");
    const parts = [
        integers("qkv sizes", [heads * head, keyHeads * head, keyHeads * head]),
        ...(gated ? [integers("gate_up sizes", [hidden, hidden])] : []),
        integers("heads", [-1, heads, head]),
        integers("key heads", [-1, keyHeads, head]),
        integers("key heads first", [keyHeads, -1, head]),
        integers("heads first", [heads, -1, head]),
        integers("rows of tokens", [-1, heads * head])
    ];
    for (let i = 0; i < layers; i++)
        parts.push(layer(rows(i), rows(i + 1), shape, random));
    parts.push(node("ReduceMean", [rows(layers)], ["vector"], { axes: [0], keepdims: 0 }));
    const graph = message(7, ...parts, string(2, "products"), floatValue(11, "rows", ["tokens", width]),
        floatValue(12, "vector", [width]));
    return Buffer.concat([integer(1, 8), string(2, "quern"), graph, message(8, string(1, ""), integer(2, 13))].flat());
}
