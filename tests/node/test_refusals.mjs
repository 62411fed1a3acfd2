// What is wrong gets an exception that says where, and no crash.
import assert from "node:assert/strict";
import { constants } from "node:buffer";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { MANY, TEXTS, TOO_LONG, WORK, addon, bytesOf, quern, refused, tinyModel } from "./trial.mjs";

const file = tinyModel();
const model = await quern.open(file);

async function drain(stream) {
    for await (const vector of stream)
        assert.ok(vector);
}

test("too long", async () => {
    const texts = [...MANY.slice(0, 150)];
    texts[100] = TOO_LONG;
    await refused(() => model.embed(texts), "QUERN_ETOOLONG", 100, /^texts\[100\]: the text has at least/);
    await refused(() => model.embed(TOO_LONG), "QUERN_ETOOLONG", 0, /the text has/);
    await refused(() => drain(model.stream(texts.values())), "QUERN_ETOOLONG", 100, /^texts\[100\]: the text has/);
    texts[149] = TOO_LONG; // the first one is told
    await refused(() => model.embed(texts), "QUERN_ETOOLONG", 100, /^texts\[100\]/);
    assert.equal((await model.embed(texts, { truncate: true })).dims[0], 150);
});

test("lone surrogates", async () => {
    const texts = [...MANY.slice(0, 70), "a \ud83d b"];
    await refused(() => model.embed(texts), "QUERN_EINVAL", 70, /^texts\[70\]: .* lone surrogate at character 2/);
    await refused(() => drain(model.stream(texts)), "QUERN_EINVAL", 70, /^texts\[70\]: .* lone surrogate/);
    for (const text of ["\udc00", "\ud800", "\udc00\ud800", "a\ud83d"])
        await refused(() => model.embed(text), "QUERN_EINVAL", 0, /lone surrogate/);
    await refused(() => model.tokenize("a \ud83d b"), "QUERN_EINVAL", undefined, /lone surrogate at character 2/);
    await refused(() => model.embed("a", { task: "document", title: "\ud83d" }), "QUERN_EINVAL", undefined,
        /title has a lone surrogate/);
    await refused(() => model.embed("a", { task: "\ud83d" }), "QUERN_EINVAL", undefined, /no task/);
    await model.embed("\ud83d\ude00");
});

test("wrong types", async () => {
    for (const wrong of [null, undefined, 3, 2n, Symbol("a"), {}, ["a"], new String("a"), () => "a"]) {
        await refused(() => model.embed(["a", "b", wrong]), "QUERN_EINVAL", 2, /must be a string/, TypeError);
        await refused(() => drain(model.stream([...MANY.slice(0, 66), wrong])), "QUERN_EINVAL", 66, /must be a string/,
            TypeError);
        await refused(() => model.tokenize(wrong), "QUERN_EINVAL", undefined, /must be a string/, TypeError);
    }
    for (const wrong of [null, undefined, 3, {}, new Set(["a"]), Buffer.from("fox")])
        await refused(() => model.embed(wrong), "QUERN_EINVAL", undefined, /string or an array/, TypeError);
    for (const wrong of [null, undefined, 3, {}, "fox"])
        await refused(() => drain(model.stream(wrong)), "QUERN_EINVAL", undefined, /must be an iterable/, TypeError);
    await refused(() => model.embed([, "a"]), "QUERN_EINVAL", 0, /not undefined/, TypeError); // eslint-disable-line
});

test("models and indexes are not made by new", async () => {
    for (const [kind, message] of [[quern.Model, /await open\(path\)/], [quern.Index, /await Index\.open\(path\)/]])
        for (const path of [undefined, file])
            await refused(() => new kind(path), "QUERN_EINVAL", undefined, message, TypeError);
    await refused(() => new quern.Model(file, { handle: 3 }, new Map()), "QUERN_EINVAL", undefined, /open/, TypeError);
});

test("wrong options", async () => {
    for (const [options, message] of [
        [{ task: "qeury" }, /no task 'qeury'; did you mean 'query'/],
        [{ task: "query\0" }, /no task/],
        [{ task: "x".repeat(1000) }, /no task/],
        [{ dimensions: 0 }, /dimensions must be a whole number from 1 to/],
        [{ dimensions: 2 ** 32 + 1 }, /dimensions must be/],
        [{ dimensions: NaN }, /dimensions must be/],
        [{ dimensions: 1.5 }, /dimensions must be/],
        [{ dimensions: 12, dtype: "binary" }, /multiple of 8/],
        [{ dtype: "f64" }, /dtype must be one of f32, f16/],
        [{ task: "query", title: "a" }, /title/],
        [{ prompt: "a", title: "a", task: "document" }, /cannot have a title/],
        [{ prompt: "x".repeat(4097) }, /at most 4096 bytes/],
        [{ prompt: "ä".repeat(4097) }, /at most 4096 bytes/],
        [{ prompt: "\ud83d" }, /prompt has a lone surrogate/],
    ])
        await refused(() => model.embed("a", options), "QUERN_EINVAL", undefined, message);
    for (const [options, message] of [
        [null, /options must be an object/],
        ["query", /options must be an object/],
        [{ normalise: true }, /no option 'normalise'; there are task/],
        [{ task: 3 }, /task must be a string/],
        [{ title: 3 }, /title must be a string/],
        [{ prompt: null }, /prompt must be a string/],
        [{ dimensions: "8" }, /dimensions must be a number/],
        [{ dtype: 0 }, /dtype must be a string/],
        [{ normalize: 1 }, /normalize must be true or false/],
        [{ truncate: "no" }, /truncate must be true or false/],
        [{ signal: {} }, /signal must be an AbortSignal, not object/],
        [{ signal: null }, /signal must be an AbortSignal, not null/],
    ])
        await refused(() => model.embed("a", options), "QUERN_EINVAL", undefined, message, TypeError);
    await refused(() => model.space({ task: "qeury" }), "QUERN_EINVAL", undefined, /did you mean/);
    for (const prompt of ["x".repeat(4097), "ä".repeat(2049)])
        await refused(() => model.space({ prompt }), "QUERN_EINVAL", undefined, /at most 4096 bytes/);
    for (const [prompts, message] of [[3, /prompts must be/], [{ qeury: "" }, /did you mean/],
                                      [{ query: 3 }, /prompts.query must be a string/]])
        await refused(() => quern.open(file, { prompts }), "QUERN_EINVAL", undefined, message, Error);
    await refused(() => model.tokenize("a", { dimensions: 3 }), "QUERN_EINVAL", undefined, /no option/, TypeError);
});

test("huge lists", async () => {
    assert.equal((await model.embed(Array(20000).fill(""), { dimensions: 8 })).dims[0], 20000);
    await refused(() => model.embed(new Array(2 ** 32 - 1)), "QUERN_EINVAL", 0, /must be a string/, TypeError);
    if (constants.MAX_LENGTH <= 2 ** 33) { // else Node.js has no limit that a list can reach
        const texts = Array(Math.ceil(constants.MAX_LENGTH / 1792) + 1).fill("");
        const wide = await quern.open("starter");
        await refused(() => wide.embed(texts), "QUERN_ENOMEM", undefined, /no memory .* use stream/);
        wide.close();
    }
    await model.embed("a");
});

test("a huge text", async () => {
    const text = "a ".repeat(20000000);
    await refused(() => model.embed(["a", text]), "QUERN_ETOOLONG", 1, /at least/);
    assert.equal((await model.embed(text, { truncate: true })).tokens[0], model.contextLength);
});

test("a list that changes while it is embedded", async () => {
    const texts = [...MANY];
    const call = model.embed(texts);
    const expected = bytesOf((await model.embed(MANY)).data);
    texts.fill(null);
    texts.length = 0;
    assert.deepEqual(bytesOf((await call).data), expected);
});

test("opening", async () => {
    for (const threads of [0, -1, 257, 2 ** 40, 1.5])
        await refused(() => quern.open(file, { threads }), "QUERN_EINVAL", undefined, /threads must be a whole number/);
    await refused(() => quern.open(file, { threads: "2" }), "QUERN_EINVAL", undefined, /threads must be a number/,
        TypeError);
    await refused(() => quern.open(file, { thread: 2 }), "QUERN_EINVAL", undefined, /no option 'thread'/, TypeError);
    await refused(() => quern.open(file, { exact: "yes" }), "QUERN_EINVAL", undefined, /exact must be/, TypeError);
    await refused(() => quern.open(file, { contextLength: 2 ** 31 - 1 }), "QUERN_EINVAL", undefined,
        /asked for; the file allows/);
    await refused(() => quern.open(3), "QUERN_EINVAL", undefined, /model must be/, TypeError);
    await refused(() => quern.open(`${file}\0.gguf`), "QUERN_EINVAL", undefined, /NUL/);
    await refused(() => quern.open("none.gguf"), "QUERN_EIO", undefined, /no file or model 'none.gguf'/);
    await refused(() => quern.open(WORK), "QUERN_EIO", undefined, /./);
    const broken = path.join(WORK, "broken.gguf");
    writeFileSync(broken, Buffer.concat([Buffer.from("GGUF"), Buffer.alloc(100)]));
    await refused(() => quern.open(broken), "QUERN_EUNSUPPORTED", undefined, /broken\.gguf/);
});

test("a closed model", async () => {
    const other = await quern.open(file);
    await other.embed("a");
    other.close();
    other.close();
    for (const call of [() => other.embed("a"), () => other.embed(MANY), () => other.tokenize("a"),
                        () => drain(other.stream(TEXTS)), () => other.space()])
        await refused(call, "QUERN_EINVAL", undefined, /the model was closed/);
    assert.equal(other.dimensions, model.dimensions);
    const disposed = await quern.open(file);
    disposed[Symbol.dispose ?? Symbol.for("Symbol.dispose")]();
    await refused(() => disposed.embed("a"), "QUERN_EINVAL", undefined, /the model was closed/);
});

test("closing while calls are under way", async () => {
    const other = await quern.open(file);
    const expected = bytesOf((await other.embed("a")).data);
    const first = other.embed("a"); // is computed at the moment
    const waiting = [other.embed("b"), other.embed(MANY), other.tokenize("a"), drain(other.stream(MANY))];
    other.close();
    assert.deepEqual(bytesOf((await first).data), expected);
    for (const call of waiting)
        await refused(() => call, "QUERN_EINVAL", undefined, /the model was closed/);
});

test("only open makes a model, and its methods know theirs", async () => {
    assert.throws(() => new quern.Model("a", {}).space(), TypeError);
    await assert.rejects(quern.Model.prototype.embed.call({ dimensions: 8 }, "a"), TypeError);
});

test("the functions of the addon refuse what the classes never give", () => {
    const told = () => {};
    const wrong = [undefined, null, 3, "a", {}, [], told, Symbol("a"), new Proxy({}, {})];
    const counts = { open: 5, close: 1, space: 5, embed: 12, tokenize: 9, findTask: 1, guessTask: 1, findDtype: 1,
        rowBytes: 2, openIndex: 3, search: 15, checkIndex: 2, compactIndex: 2, writeIndex: 9, addRows: 9,
        readRows: 9, removeRows: 7, commit: 2, resume: 2 };
    assert.deepEqual(Object.keys(counts).sort(), Object.keys(addon).filter((name) =>
        typeof addon[name] === "function").sort());
    for (const [name, count] of Object.entries(counts)) {
        assert.throws(() => addon[name](...Array(count - 1).fill("a")), TypeError, name);
        for (const value of wrong)
            if (!/^find|^guess|^rowBytes/.test(name))
                assert.throws(() => addon[name](...Array(count).fill(value)), TypeError, name);
    }
    assert.throws(() => addon.rowBytes("f32", 8), TypeError);
    assert.equal(addon.findTask(Symbol("a")), -1);
    assert.equal(addon.guessTask(3), -1);
    assert.equal(addon.rowBytes(99, 8), 0);
});

test("the functions of the addon bear hostile arrays", async () => {
    let opened;
    await new Promise((done) => addon.open(file, 1, 0, false, (_, result) => done(opened = result)));
    const into = { vectors: new Uint8Array(64), tokens: new Uint32Array(2), first: 0 };
    const embed = (texts, dimensions, flags, dtype, { vectors, tokens, first } = into) => new Promise((resolve,
        reject) => addon.embed(opened.handle, texts, "", null, 0, dimensions, flags, dtype, vectors, tokens, first,
            (error, result) => error === null ? resolve(result)
                : reject(error instanceof Error ? error : new Error(error.text))));
    let reads = 0;
    const growing = ["a", "b"]; // its second text is longer whenever it is read, and takes the first one away
    Object.defineProperty(growing, 1, { get: () => { growing.length = 2; return "x ".repeat(10 ** reads++); } });
    for (let i = 0; i < 3; i++)
        await embed(growing, 8, 0, 0);
    const shrinking = ["a", "b"];
    Object.defineProperty(shrinking, 0, { get: () => { shrinking.length = 1; return "a"; } });
    await assert.rejects(embed(shrinking, 8, 0, 0), TypeError);
    const throwing = ["a"];
    Object.defineProperty(throwing, 0, { get: () => { throw new RangeError("from a getter"); } });
    await assert.rejects(embed(throwing, 8, 0, 0), RangeError);
    await assert.rejects(embed(["a", 3], 8, 0, 0), TypeError);
    await assert.rejects(embed(["a"], 2 ** 31 - 1, 0, 0), /dimensions/);
    await assert.rejects(embed(["a"], -1, 0, 0), /dimensions/);
    await assert.rejects(embed(["a"], 8, 0xffff, 0), /flag/);
    await assert.rejects(embed(["a"], 8, 0, 99), /format/);
    assert.ok(await embed(["a", "b"], 8, 0, 0) > 0);
    assert.ok(into.vectors.some((byte) => byte > 0) && into.tokens[1] > 0);
    assert.ok(await embed([], 8, 0, 0) >= 0);
    for (const wrong of [{ vectors: new Uint8Array(63) }, { tokens: new Uint32Array(1) }, { first: 1 }, { first: -1 },
                         { first: 2 ** 53 }, { vectors: new Float32Array(16) }, { tokens: new Int32Array(2) }])
        await assert.rejects(embed(["a", "b"], 8, 0, 0, { ...into, ...wrong }), TypeError);
    const taken = new Uint8Array(64), call = embed(["a", "b"], 8, 0, 0, { ...into, vectors: taken });
    structuredClone(taken, { transfer: [taken.buffer] });
    await assert.rejects(call, TypeError);
    addon.close(opened.handle);
});
