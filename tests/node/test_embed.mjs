// Vectors of the Node.js package, beside those of the command.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { BUILD, MANY, TEXTS, TOO_LONG, bytesOf, command, commandVectors, quern, require, runNode, starter, tinyModel }
    from "./trial.mjs";

const file = tinyModel();
const model = await quern.open(file);
const plain = TEXTS.filter((text) => !text.includes("\0")); // a NUL ends a text of the command's input

test("vectors are those of the command", async () => {
    const vectors = await model.embed(plain);
    assert.ok(vectors.data instanceof Float32Array);
    assert.deepEqual(bytesOf(vectors.data), commandVectors(file, plain, "-f", "f32"));
    assert.deepEqual([vectors.dims, vectors.dtype], [[plain.length, model.dimensions], "f32"]);
});

// The number that the bits of a half float stand for.
function halfFloat(bits) {
    const exponent = bits >> 10 & 31, fraction = (bits & 1023) / 1024;
    return (bits & 0x8000 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}

test("other number formats", async () => {
    const { data } = await model.embed(plain);
    const stored = async (dtype, kind, columns) => {
        const vectors = await model.embed(plain, { dtype });
        assert.ok(vectors.data instanceof kind);
        assert.deepEqual([vectors.dims, vectors.dtype], [[plain.length, columns], dtype]);
        return vectors.data;
    };
    const halves = await stored("f16", Uint16Array, model.dimensions);
    halves.forEach((bits, i) => assert.ok(Math.abs(halfFloat(bits) - data[i]) <= Math.abs(data[i]) / 2048 + 2 ** -25));
    const bytes = await stored("int8", Int8Array, model.dimensions);
    bytes.forEach((byte, i) => assert.ok(Math.abs(byte - 127 * data[i]) <= 0.5001));
    const high = await stored("binary", Uint8Array, model.dimensions / 8);
    const low = await stored("binary-low", Uint8Array, model.dimensions / 8);
    data.forEach((number, i) => {
        assert.equal(high[i >> 3] >> (7 - i % 8) & 1, Number(number > 0));
        assert.equal(low[i >> 3] >> i % 8 & 1, Number(number > 0));
    });
});

test("options are those of the command", async () => {
    for (const [options, words] of [
        [{ task: "query" }, ["-t", "query"]],
        [{ task: "search_document" }, ["-t", "document"]],
        [{ task: "document", title: "a title" }, ["-t", "document", "--title", "a title"]],
        [{ dimensions: 12 }, ["-d", "12"]],
        [{ prompt: "Instruct: find äpfel\nQuery: " }, ["--prompt", "Instruct: find äpfel\nQuery: "]],
        [{ task: "query", prompt: "" }, ["-t", "none"]],
        [{ normalize: false }, ["--no-normalize"]],
    ])
        assert.deepEqual(bytesOf((await model.embed(plain, options)).data),
            commandVectors(file, plain, "-f", "f32", ...words), JSON.stringify(options));
    assert.deepEqual(bytesOf((await model.embed([TOO_LONG], { truncate: true })).data),
        commandVectors(file, [TOO_LONG], "-f", "f32", "--truncate"));
    const exact = await quern.open(file, { exact: true, threads: 1, contextLength: 64 });
    assert.deepEqual(bytesOf((await exact.embed(plain)).data), commandVectors(file, plain, "-f", "f32", "--exact"));
    assert.equal(exact.contextLength, 64);
    exact.close();
});

test("prompts of one's own for tasks", async () => {
    const own = "Instruct: find recipes\nQuery: ";
    const other = await quern.open(file, { prompts: { search_query: own, clustering: "" } });
    const query = { task: "query" };
    assert.deepEqual((await other.embed(plain, query)).data, (await model.embed(plain, { prompt: own })).data);
    assert.deepEqual(await other.tokenize("a", query), await model.tokenize("a", { prompt: own }));
    assert.deepEqual(await other.tokenize("a", { task: "clustering" }), await model.tokenize("a"));
    assert.deepEqual(await other.tokenize("a", { task: "document" }), await model.tokenize("a", { task: "document" }));
    assert.deepEqual([other.prompts.query, other.prompts.document], [own, model.prompts.document]);
    assert.match(other.space(query), /-query\.[0-9a-f]{8}$/);
    assert.equal(other.space(query), model.space({ task: "query", prompt: own }));
    other.close();
});

test("many texts, more than a call of the library has", async () => {
    const texts = [...MANY, "a long text ".repeat(40), "", ...MANY];
    const vectors = await model.embed(texts);
    assert.deepEqual(bytesOf(vectors.data), commandVectors(file, texts, "-f", "f32"));
    assert.equal(vectors.tokens.length, texts.length);
    for (const i of [0, 299, 300, 301, 601])
        assert.equal(vectors.tokens[i], (await model.tokenize(texts[i])).length);
    const one = await model.embed(texts[300]);
    assert.deepEqual([...vectors][300], one.data);
    assert.deepEqual(one.dims, [1, model.dimensions]);
});

test("what a result has", async () => {
    const vectors = await model.embed(["a", "b"], { dimensions: 3 });
    assert.equal(vectors.data.length, 6);
    assert.deepEqual(vectors.tolist(), [[...vectors.data.subarray(0, 3)], [...vectors.data.subarray(3)]]);
    assert.deepEqual((await model.embed([])).dims, [0, model.dimensions]);
    assert.equal((await model.embed([])).data.length, 0);
    assert.deepEqual((await model.embed([])).tolist(), []);
});

test("a NUL is a character, and so is one of four bytes", async () => {
    assert.notDeepEqual(await model.tokenize("a\0b"), await model.tokenize("a"));
    const { data } = await model.embed(["a\0b", "a", "\u{1f600}"]);
    assert.notDeepEqual(data.subarray(0, model.dimensions), data.subarray(model.dimensions, 2 * model.dimensions));
    assert.deepEqual(bytesOf(data.subarray(2 * model.dimensions)), commandVectors(file, ["\u{1f600}"], "-f", "f32"));
});

test("tokens are those of the command, with the prompt", async () => {
    const ids = (text) => JSON.parse(command("tokenize", "-m", file, text));
    assert.deepEqual([...await model.tokenize(plain[4])], ids(plain[4]));
    assert.deepEqual([...await model.tokenize(plain[4], { task: "query" })], ids(model.prompts.query + plain[4]));
    assert.deepEqual([...await model.tokenize("")], ids(""));
});

test("what a model is", async () => {
    const info = JSON.parse(command("info", "--json", "-m", file));
    assert.equal(model.path, file);
    assert.equal(model.dimensions, info.dimensions);
    assert.equal(model.contextLength, info.context_length);
    assert.equal(model.kernels, info.kernels);
    assert.equal(model.prompts.query, "task: search result | query: ");
    assert.equal(Object.keys(model.prompts).length, 10);
    assert.match(model.space(), /^\d+n-[0-9a-f]{16}-none$/);
    assert.match(model.space({ task: "query", dimensions: 8, normalize: false, truncate: true }), /^8u-.*-query$/);
    assert.equal(quern.version, command("--version").toString().match(/\d+\.\d+\.\d+/)[0]);
    assert.throws(() => { "use strict"; model.dimensions = 3; }, TypeError);
});

test("stream: a vector for each text, of any iterable", async () => {
    const expected = await model.embed(MANY, { task: "query", dtype: "int8" });
    async function* slow() {
        for (const text of MANY) {
            if (text.endsWith("7"))
                await new Promise((done) => setTimeout(done, 1));
            yield text;
        }
    }
    for (const source of [MANY, new Set(MANY), slow(), MANY.values()]) {
        const found = [];
        for await (const vector of model.stream(source, { task: "query", dtype: "int8" }))
            found.push(vector);
        assert.deepEqual(found, [...expected]);
    }
    for await (const vector of model.stream([]))
        assert.fail(`${vector}`);
});

test("stream: an answer comes before the next question", async () => {
    let answered = () => {};
    async function* conversation() {
        for (const text of TEXTS) {
            yield text;
            await new Promise((done) => { answered = done; });
        }
    }
    const expected = await model.embed(TEXTS);
    let count = 0;
    for await (const vector of model.stream(conversation())) {
        assert.deepEqual(vector, [...expected][count++]);
        answered();
    }
    assert.equal(count, TEXTS.length);
});

test("stream: texts are read as they are needed, and the source is told of the end", async () => {
    let read = 0, ended = 0;
    function* endless() {
        try {
            for (;;)
                yield `text ${read++}`;
        } finally {
            ended++;
        }
    }
    for await (const vector of model.stream(endless()))
        if (vector[0] !== undefined)
            break;
    assert.ok(read > 0 && read <= 192, `${read}`);
    assert.equal(ended, 1);
    const never = { [Symbol.asyncIterator]: () => ({ asked: 0,
        next() { return this.asked++ === 0 ? Promise.resolve({ value: "a" }) : new Promise(() => {}); } }) };
    for await (const vector of model.stream(never)) {
        assert.equal(vector.length, model.dimensions);
        break; // and does not wait for a source that is silent
    }
});

test("a signal ends a call between two parts", async () => {
    const reason = new Error("enough");
    await assert.rejects(model.embed(MANY, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    const call = model.embed(Array(100000).fill("some text"), { signal: controller.signal });
    setImmediate(() => controller.abort(reason));
    await assert.rejects(call, reason);
});

test("the main thread is free while texts are embedded", async () => {
    let turns = 0, ended = false;
    const embedding = model.embed(Array(2000).fill("some text")).then(() => { ended = true; });
    while (!ended) {
        turns++;
        await new Promise((done) => setImmediate(done));
    }
    await embedding;
    assert.ok(turns > 10, `${turns}`);
});

test("calls take turns: a text does not wait for a list", async () => {
    const order = [];
    const list = model.embed(Array(5000).fill("some text")).then(() => order.push("list"));
    await model.embed("one").then(() => order.push("one"));
    await list;
    assert.deepEqual(order, ["one", "list"]);
});

test("import and require give the same functions", async () => {
    const imported = await import(pathToFileURL(require.resolve(`${BUILD}/bindings/node`)));
    assert.equal(imported.open, quern.open);
    assert.equal(imported.default, quern);
    assert.equal(imported.QuernError, quern.QuernError);
});

const skip = !BUILD.endsWith("/build");
test("the source tree works as it stands beside a build folder named build", { skip }, () => {
    const { out, err } = runNode(`require(${JSON.stringify(`${BUILD}/../bindings/node/index.js`)}).open(file)
        .then((model) => model.embed("a")).then(({ dims }) => console.log(dims))`, starter);
    assert.deepEqual([out, err], ["[ 1, 448 ]\n", ""]);
});

test("the types name what there is", () => {
    const types = readFileSync(`${BUILD}/bindings/node/index.d.ts`, "utf8");
    for (const name of [...Object.keys(quern), ...Object.getOwnPropertyNames(quern.Model.prototype),
                        ...Object.keys(model), "data", "dims", "tokens", "tolist"])
        assert.match(types, new RegExp(`\\b${name}\\b`));
});
