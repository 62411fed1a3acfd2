// The parts of bench/compare that need no package: statistics, what is read from logs and from /proc, the ONNX writer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, cpuTime, geometricMean, instructions, median, sleeps } from "../bench/figures.mjs";
import { onnxGraph } from "../bench/onnx_graph.mjs";
import { sample } from "../bench/sample.mjs";

test("median: of an odd and of an even number of figures, in any order", () => {
    assert.equal(median([30, 1, 2]), 2);
    assert.equal(median([100, 9, 3, 1]), 6);
});

test("a row of times: the least is best, and ratios are theirs by ours", () => {
    const row = compared({ what: "w", unit: "ms", threads: 2, quern: [2, 4, 3], other: [8, 8, 15] });
    assert.deepEqual(row, {
        what: "w", unit: "ms", threads: 2,
        quern: { median: 3, best: 2, rounds: [2, 4, 3] },
        other: { median: 8, best: 8, rounds: [8, 8, 15], times: { medians: 8 / 3, bests: 4, least: 2, most: 5 } }
    });
});

test("a row of rates: the greatest is best, and ratios are ours by theirs", () => {
    const { quern, other } = compared({ unit: "tokens/s", quern: [6, 9, 8], other: [2, 4.5, 4] });
    assert.equal(quern.best, 9);
    assert.equal(other.best, 4.5);
    assert.deepEqual(other.times, { medians: 2, bests: 2, least: 2, most: 3 });
});

test("a row leaves out a side that was not measured", () => {
    const row = compared({ unit: "ms", quern: [1], absent: [NaN], other: [2] });
    assert.equal("absent" in row, false);
    assert.equal(row.other.times.medians, 2);
});

test("geometric mean", () => assert.ok(Math.abs(geometricMean([1, 4, 16]) - 4) < 1e-12));

test("instructions: what llama.cpp reports, and unknown where it reports nothing", () => {
    const info = "CPU : SSE3 = 1 | AVX2 = 1 | AVX512_VNNI = 0 | AMX_INT8 = 1 | ";
    const amx = "load_tensors:          AMX model buffer size =   348.23 MiB\n";
    const cpu = "load_tensors:   CPU_Mapped model buffer size =   307.13 MiB\n";
    assert.equal(instructions(info, amx + cpu), "it uses AMX: 348.23 MiB of weights lie in a buffer for AMX; " +
        "reported features: SSE3 AVX2 AMX_INT8");
    assert.match(instructions(info, cpu), /^it does not use AMX: it could, but no weights/);
    assert.match(instructions(info, ""), /^it could use AMX; whether it does is unknown/);
    assert.equal(instructions("CPU : AVX2 = 1 | AMX_INT8 = 0 | ", cpu), "it does not use AMX; reported features: AVX2");
    assert.equal(instructions("", ""),
        "whether it uses AMX is unknown, as it reports nothing; reported features: none");
});

test("what /proc says of a thread", () => {
    assert.equal(cpuTime("1639719 1231488 7\n"), 1.639719);
    assert.equal(sleeps("nonvoluntary_ctxt_switches:\t99\nvoluntary_ctxt_switches:\t12\n"), 12);
});

test("sample: calls at least so often, also when there is no time", async () => {
    let calls = 0;
    assert.equal((await sample(() => calls++, 0, 3)).length, 3);
    assert.equal(calls, 3);
});

// ---------------------------------------------------------------- ONNX

// The fields of a message, each a list: numbers, or the bytes of strings and messages.
function fields(bytes) {
    const found = {};
    let at = 0;
    const varint = () => {
        let value = 0n;
        for (let shift = 0n; ; shift += 7n) {
            assert.ok(at < bytes.length, "a message ends in a number");
            const byte = BigInt(bytes[at++]);
            value |= (byte & 127n) << shift;
            if (byte < 128n)
                return BigInt.asIntN(64, value);
        }
    };
    while (at < bytes.length) {
        const key = Number(varint());
        assert.ok([0, 2].includes(key & 7));
        let value = Number(varint());
        if (key & 7) {
            assert.ok(at + value <= bytes.length, "a field is longer than its message");
            [value, at] = [bytes.subarray(at, at + value), at + value];
        }
        (found[key >> 3] ??= []).push(value);
    }
    return found;
}

const words = (list = []) => list.map(String);
const shape = { layers: 2, width: 6, heads: 6, keyHeads: 3, head: 2, hidden: 5, gated: true };
const asked = [];
const bytes = onnxGraph(shape, (count) => {
    asked.push(count);
    return Buffer.alloc(count, 0xfe);
});
const model = fields(bytes);
const graph = fields(model[7][0]);
const nodes = graph[1].map((one) => fields(one));
const tensors = new Map(graph[5].map((one) => [String(fields(one)[8]), fields(one)]));

test("ONNX: the bytes around the graph", () => {
    assert.equal(bytes.subarray(0, 10).toString("hex"), "08081205" + Buffer.from("quern").toString("hex") + "3a");
    assert.equal(bytes.subarray(-6).toString("hex"), "42040a00100d"); // operators of version 13
    assert.deepEqual(Object.keys(model), ["1", "2", "7", "8"]);
});

const kinds = (list) => list.map((node) => String(node[4]));
const product = ["DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Mul"];
const attention = ["Reshape", "Transpose", "Reshape", "Reshape", "Transpose", "Reshape", "Transpose", "MatMul",
    "Softmax", "MatMul", "Reshape", "Transpose", "Reshape"];
const start = [...product, "Split", ...attention, ...product, "Add"];

test("ONNX: each layer has its operators, and the mean of all rows is the end", () => {
    const layer = [...start, ...product, "Split", "Mul", ...product, "Add"];
    assert.deepEqual(kinds(nodes), [...layer, ...layer, "ReduceMean"]);
});

test("ONNX: without a gate there are two products after attention", () => {
    const plain = fields(fields(onnxGraph({ ...shape, layers: 1, gated: false }, Buffer.alloc))[7][0]);
    assert.deepEqual(kinds(plain[1].map((one) => fields(one))), [...start, ...product, ...product, "Add", "ReduceMean"]);
});

test("ONNX: a node reads only what is there before it, and no name is written twice", () => {
    const known = new Set(["rows", ...tensors.keys()]);
    for (const node of nodes) {
        words(node[1]).forEach((name) => assert.ok(known.has(name), `${name} is read before it is written`));
        words(node[2]).forEach((name) => assert.ok(!known.has(name), `${name} is written twice`));
        words(node[2]).forEach((name) => known.add(name));
    }
    assert.ok(known.has("vector"));
});

test("ONNX: weights have the shapes of a layer, a type, and the bytes that were given", () => {
    const weights = [...tensors].filter(([name]) => name.endsWith(".weights"));
    const layer = [[6, 24], [12, 6], [6, 10], [5, 6]];
    assert.deepEqual(weights.map(([, tensor]) => tensor[1]), [...layer, ...layer]);
    assert.deepEqual(asked, [144, 72, 60, 30, 144, 72, 60, 30]);
    for (const [, tensor] of weights) {
        assert.deepEqual(tensor[2], [3]); // int8
        assert.deepEqual(tensor[9][0], Buffer.alloc(tensor[1][0] * tensor[1][1], 0xfe));
    }
    const numbers = (name) => [...new BigInt64Array(new Uint8Array(tensors.get(name)[9][0]).buffer)];
    assert.deepEqual(numbers("qkv sizes"), [12n, 6n, 6n]);
    assert.deepEqual(numbers("key heads first"), [3n, -1n, 2n]); // two query heads lie below each other
});

test("ONNX: attributes are numbers or lists of numbers, also below zero", () => {
    const attributes = (kind) => nodes.find((node) => String(node[4]) === kind)[5].map((one) => fields(one));
    const [axis] = attributes("Softmax");
    assert.deepEqual([String(axis[1]), axis[3], axis[20]], ["axis", [-1], [2]]);
    const [order] = attributes("Transpose");
    assert.deepEqual([String(order[1]), order[8], order[20]], ["perm", [1, 0, 2], [7]]);
    const [axes] = attributes("ReduceMean");
    assert.deepEqual([String(axes[1]), axes[8]], ["axes", [0]]);
});

test("ONNX: the input has any number of rows", () => {
    const lengths = (value) => fields(fields(fields(fields(value)[2][0])[1][0])[2][0])[1].map((one) => fields(one));
    const [tokens, width] = lengths(graph[11][0]);
    assert.deepEqual([String(tokens[2]), width[1]], ["tokens", [6]]);
    assert.deepEqual(lengths(graph[12][0]).map((one) => one[1]), [[6]]);
});
