// Index of the Node.js package: what it finds beside a plain comparison, changes, refusals, worker threads.
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { PACKAGE, TEXTS, TOO_LONG, WINDOWS, WORK, addon, command, mapsOf, quern, refused, require, runNode, tinyModel }
    from "./trial.mjs";

const { Index } = quern;
const DIMENSIONS = 24, COUNT = 700;
const file = tinyModel();
const model = await quern.open(file);

// Vectors of length 1, the same in each run.
function unitVectors(count, seed) {
    const next = () => {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
        return seed / 2 ** 32 - 0.5;
    };
    return Array.from({ length: count }, () => {
        const row = Float32Array.from({ length: DIMENSIONS }, next);
        const length = Math.hypot(...row);
        return row.map((number) => number / length);
    });
}
const VECTORS = unitVectors(COUNT, 1), QUERIES = unitVectors(150, 2);
const dot = (a, b) => a.reduce((sum, number, i) => sum + number * b[i], 0);

function expected(query, k, ids = [...VECTORS.keys()]) {
    return ids.map((id) => [-dot(query, VECTORS[id]), id]).sort((a, b) => a[0] - b[0]).slice(0, k).map(([, id]) => id);
}
const idsOf = (hits) => hits.map(({ id }) => id);
const flat = (vectors) => ({ data: Float32Array.from(vectors.flatMap((row) => [...row])),
    dims: [vectors.length, DIMENSIONS] });

let paths = 0;
const newPath = () => path.join(WORK, `${paths++}.qidx`);
const built = (options) => Index.build(newPath(), VECTORS, options);

test("hits are those of comparing all vectors", async () => {
    const index = await built();
    const all = await index.search(flat(QUERIES), { k: 7 });
    assert.equal(all.length, QUERIES.length);
    for (const [i, hits] of all.entries()) {
        assert.deepEqual(idsOf(hits), expected(QUERIES[i], 7));
        assert.ok(hits.certified && hits.scored >= 7 && hits.scored <= COUNT);
        assert.ok(Math.abs(hits[0].score - dot(QUERIES[i], VECTORS[hits[0].id])) < 1e-6);
    }
    assert.deepEqual(await index.search(QUERIES[3], { k: 7 }), all[3]);
    for (const k of [1, 100, 101, COUNT, 5000])
        assert.deepEqual(idsOf(await index.search(QUERIES[0], { k })), expected(QUERIES[0], k));
    const rows = QUERIES.slice(0, 3).map((query) => expected(query, 10));
    for (const queries of [QUERIES.slice(0, 3), QUERIES.slice(0, 3).map((query) => [...query]),
                           QUERIES.slice(0, 3).map((query) => Float64Array.from(query))])
        assert.deepEqual((await index.search(queries)).map(idsOf), rows);
    for (const query of [Float64Array.from(QUERIES[0]), [...QUERIES[0]]])
        assert.deepEqual(idsOf(await index.search(query)), rows[0]);
    const shared = new Float32Array(new SharedArrayBuffer(4 * DIMENSIONS));
    shared.set(QUERIES[0]);
    assert.deepEqual(idsOf(await index.search(shared)), rows[0]);
    assert.deepEqual(await index.search([]), []);
    assert.deepEqual(await index.search({ data: new Float32Array(0), dims: [0, DIMENSIONS] }), []);
    index.close();
});

test("only, least, oversampling", async () => {
    const index = await built({ bits: true });
    const ids = [...VECTORS.keys()].filter((id) => id % 9 === 0);
    assert.deepEqual(idsOf(await index.search(QUERIES[0], { k: 5, only: new Set([...ids, COUNT + 5]) })),
        expected(QUERIES[0], 5, ids));
    assert.deepEqual([...await index.search(QUERIES[0], { only: [] })], []);
    const hits = await index.search(QUERIES[0], { k: 9 });
    assert.equal((await index.search(QUERIES[0], { k: 9, least: hits[4].score })).length, 5);
    const sampled = await index.search(QUERIES[0], { k: 5, oversampling: COUNT / 5 });
    assert.deepEqual([idsOf(sampled), sampled.certified], [expected(QUERIES[0], 5), false]);
    assert.equal(index.info.bits, true);
    const without = await built();
    await refused(() => without.search(QUERIES[0], { oversampling: 2 }), "QUERN_EINVAL", undefined, /bits/);
});

test("texts, with a model", async () => {
    const file24 = newPath();
    const index = await Index.build(file24, TEXTS, { model });
    assert.deepEqual([index.info.space, index.info.dimensions], [model.space({ task: "document" }), model.dimensions]);
    const vectors = await model.embed(["a dog", "two lines"], { task: "query" });
    assert.deepEqual(await index.search(["a dog", "two lines"]), await index.search(vectors));
    assert.deepEqual(await index.search("a dog"), (await index.search(vectors))[0]);
    const [hit] = (await index.search(await model.embed(TEXTS[4], { task: "document" })))[0];
    assert.deepEqual([hit.id, hit.text, Buffer.from(hit.payload).toString()], [4, TEXTS[4], TEXTS[4]]);
    await index.add(["another text"], { ids: [100] });
    assert.equal((await index.search(await model.embed("another text", { task: "document" })))[0][0].id, 100);
    const plain = await Index.open(pathToFileURL(file24));
    await refused(() => plain.search("a dog"), "QUERN_EINVAL", undefined, /need a model/);
    await refused(() => plain.add(["a"], { ids: [1] }), "QUERN_EINVAL", undefined, /need a model/);
    const small = await Index.build(newPath(), TEXTS, { model, dimensions: 8 });
    assert.deepEqual([small.info.dimensions, (await small.search("a dog")).length], [8, TEXTS.length]);
    await small.add(["more"], { ids: [9] });
    const filled = await Index.build(newPath(), [], { model }); // later
    assert.deepEqual([filled.info.count, filled.info.dimensions], [0, model.dimensions]);
    await filled.add(TEXTS, { ids: TEXTS.keys() });
    assert.deepEqual(await filled.search("a dog"), await index.search("a dog", { only: TEXTS.keys() }));
});

test("spaces", async () => {
    const space = model.space({ task: "document", dimensions: DIMENSIONS });
    const index = await built({ space, model });
    assert.equal(index.info.space, space);
    assert.equal((await index.search("a dog")).length, 10);
    await refused(() => index.search(QUERIES[0], { space: "24n-00-none" }), "QUERN_EINVAL", undefined, /space/);
    await refused(() => index.search(QUERIES[0], { space: "a\0" }), "QUERN_EINVAL", undefined, /space/);
    const other = await built({ space: "24n-0123456789abcdef-document", model });
    await refused(() => other.search("a dog"), "QUERN_EINVAL", undefined, /space/);
    await refused(() => other.add(["a dog"], { ids: [1] }), "QUERN_EINVAL", undefined, /different spaces/);
});

test("files of the command", async () => {
    const folder = path.join(WORK, "notes"), notes = newPath();
    mkdirSync(folder);
    writeFileSync(path.join(folder, "a.md"), "# Title\n\na lazy dog\n");
    command("index", "-q", "-m", file, folder, "-o", notes);
    const index = await Index.open(notes, { model });
    const [hit] = await index.search("a lazy dog");
    assert.match(hit.id, /a\.md#0$/);
    assert.match(hit.text, /a lazy dog/);
    command("index", "check", (await built()).path);
});

test("changes: numbers", async () => {
    const index = await built(), last = 2n ** 64n - 1n;
    await index.add([QUERIES[0], QUERIES[1]], { ids: [last, 3], payloads: [Uint8Array.of(0, 255), "text"] });
    const [hit] = await index.search(QUERIES[0]);
    assert.deepEqual([hit.id, [...hit.payload]], [last, [0, 255]]);
    assert.deepEqual([(await index.search(QUERIES[1]))[0].id, (await index.search(QUERIES[1]))[0].text], [3, "text"]);
    assert.deepEqual([index.info.count, index.info.ids], [COUNT + 1, "numbers"]);
    assert.equal(await index.remove([3, last, 3n, 123456]), 2);
    assert.equal(await index.remove(new Set()), 0);
    await index.compact();
    assert.deepEqual([index.info.count, index.info.blocks], [COUNT - 1, 1]);
    await index.check();
});

test("changes: names", async () => {
    const ids = VECTORS.map((_, i) => `name ${i}`);
    ids[0] = "\u00e4\0b";
    ids[1] = "x".repeat(4096);
    const index = await built({ ids, dtype: "f16" });
    assert.deepEqual([index.info.ids, index.info.dtype], ["names", "f16"]);
    for (const i of [0, 1, 2]) {
        assert.equal((await index.search(VECTORS[i]))[0].id, ids[i]);
        assert.deepEqual(idsOf(await index.search(VECTORS[i], { only: [ids[i]] })), [ids[i]]);
    }
    assert.equal(await index.remove(ids.slice(0, 2)), 2);
});

test("rows", async () => {
    const read = async (index, options) => {
        const found = [];
        for await (const { id, text } of index.rows(options))
            found.push([id, text]);
        return found;
    };
    const ids = [...VECTORS.keys()], index = await built({ payloads: ids.map((id) => `row ${id}`) });
    const begun = index.rows();
    assert.equal((await begun.next()).value.id, 0);
    await index.remove(ids.filter((id) => id % 2 === 0));
    await index.add(VECTORS.slice(0, 2), { ids: [3, 2n ** 60n], payloads: ["again", null] });
    const odd = ids.filter((id) => id % 2 === 1 && id !== 3);
    assert.deepEqual(await read(index), [...odd.map((id) => [id, `row ${id}`]), [3, "again"], [2n ** 60n, ""]]);
    assert.deepEqual(await read(index, { only: [3, 9, 2, 8] }), [[9, "row 9"], [3, "again"]]);
    assert.deepEqual(await read(index, { only: [] }), []);
    let left = 0;
    for await (const row of begun) // of the state that was the newest when it began
        left += row.id === COUNT ? 0 : 1;
    assert.equal(left, COUNT - 1);
    for (const [options, message] of [[{ only: ["a"] }, /only\[0\]: the id must be/], [{ only: 3 }, /only must be/],
                                      [{ k: 3 }, /no option 'k'/]])
        await assert.rejects(read(index, options), { name: "TypeError", code: "QUERN_EINVAL", message });
    const open = index.rows();
    await open.next();
    index.close();
    for await (const row of open)
        left += row.id < 0 ? 1 : 0;
    await refused(() => read(index), "QUERN_EINVAL", undefined, /the index was closed/);
    assert.equal(mapsOf(index.path), 0);
    const names = Array.from(Array(5000).keys(), String), payloads = Array(5000).fill("x".repeat(1000));
    const many = await Index.build(newPath(), flat(Array(5000).fill(VECTORS[0])), { ids: names, payloads });
    assert.deepEqual((await read(many)).map(([id]) => id), names);
    assert.deepEqual((await read(many, { only: ["4999"] }))[0][0], "4999");
});

test("a writer goes on only where the file is as it has left it", async () => {
    const index = await built(), other = await Index.open(index.path);
    assert.equal(await index.remove([0]), 1);
    await index.add([VECTORS[0]], { ids: [0] });
    assert.equal(await other.remove([1]), 1);
    assert.equal(await index.remove([0, 1, 2]), 2);
    await assert.rejects(index.add([VECTORS[0]], { ids: [null] }));
    await index.add([VECTORS[1]], { ids: [1] });
    if (!WINDOWS) // where the file stays as it is while the other one has it open
        await index.compact();
    assert.equal(await index.remove([1, 3]), 2);
    await other.refresh();
    assert.deepEqual([index.info.count, other.info.count], [COUNT - 4, COUNT - 4]);
    index.close();
    assert.equal(await other.remove([4]), 1);
});

test("changes at once take turns, and searches go on", async () => {
    const index = await built();
    const calls = [];
    for (let i = 0; i < 20; i++)
        calls.push(index.add([QUERIES[i]], { ids: [1000 + i] }), index.search(QUERIES, { k: 2 }), index.remove([i]));
    calls.push(index.compact(), index.refresh());
    await Promise.all(calls);
    assert.equal(index.info.count, COUNT);
    assert.equal((await index.search(QUERIES[7]))[0].id, 1007);
    assert.equal(mapsOf(index.path), 1);
});

// As on Windows: searches are finished before, or wait, and the file is closed meanwhile.
test("compacting where an open file is not replaced", async () => {
    const index = await built(), functions = require(path.join(PACKAGE, "addon.js")), seen = [];
    const { compactIndex } = functions, { platform } = process;
    functions.compactIndex = (name, told) => {
        seen.push(mapsOf(name));
        compactIndex(name, told);
    };
    Object.defineProperty(process, "platform", { value: "win32" });
    try {
        const calls = [];
        for (let i = 0; i < 5; i++)
            calls.push(index.search(QUERIES, { k: 2 }), index.add([QUERIES[i]], { ids: [1000 + i] }), index.compact(),
                index.search(QUERIES, { k: 2 }));
        const late = index.compact().then(() => index.search(QUERIES[3]));
        await Promise.all(calls);
        assert.equal((await late)[0].id, 1003);
        for await (const row of index.rows()) { // which is not waited for
            await index.remove([row.id]);
            await index.compact();
            break;
        }
        functions.compactIndex = (_, told) => told({ code: "QUERN_EIO", index: -1, message: "on purpose" });
        await assert.rejects(index.compact());
        assert.equal((await index.search(QUERIES[2]))[0].id, 1002);
    } finally {
        Object.defineProperty(process, "platform", { value: platform });
        functions.compactIndex = compactIndex;
    }
    assert.deepEqual(seen, Array(7).fill(0));
    assert.equal(mapsOf(index.path), 1);
});

test("more rows than a call of the library has", async () => {
    const texts = Array.from({ length: 1500 }, (_, i) => `number ${i}`);
    const index = await Index.build(newPath(), texts, { model });
    for (const i of [0, 1023, 1024, 1499]) {
        const [hits] = await index.search(await model.embed(texts[i], { task: "document" }), { k: 3 });
        assert.ok(idsOf(hits).includes(i));
    }
    assert.equal(await index.remove(texts.keys()), 1500);
});

test("what fails changes nothing", async () => {
    const index = await built();
    const nan = new Float32Array(DIMENSIONS).fill(NaN), two = QUERIES.slice(0, 2);
    const many = [...VECTORS, ...VECTORS, nan], ids = many.map((_, i) => 1000 + i);
    for (const [call, at, message, kind] of [
        [() => index.add(many, { ids }), 2 * COUNT, /^vectors\[1400\]: the vector has a number that is not finite/],
        [() => index.add(two, { ids: [7000, "a"] }), 1, /^ids\[1\]: the id must be a number/, TypeError],
        [() => index.add(two, { ids: [7000, 1.5] }), 1, /^ids\[1\]: the id must be a whole number/],
        [() => index.add(two, { ids: [2n ** 64n, 1] }), 0, /^ids\[0\]: the id must be a whole number/],
        [() => index.add(two, { ids: [1, 2 ** 53] }), 1, /bigint above/],
        [() => index.remove([-1]), 0, /^ids\[0\]: the id must be/],
        [() => index.remove([...Array(1500).fill(1), {}]), 1500, /^ids\[1500\]: /, TypeError],
        [() => index.search(QUERIES[0], { only: [1, "a"] }), 1, /^only\[1\]: /, TypeError],
        [() => index.add(two, { ids: [1, 2], payloads: ["", 3] }), 1, /^payloads\[1\]: a payload must/, TypeError],
        [() => index.add(two, { ids: [1, 2], payloads: ["\ud83d", ""] }), 0, /^payloads\[0\]: .*lone surrogate/],
        [() => index.add(two, { ids: [1] }), undefined, /2 rows and 1 ids/],
        [() => index.add(two, { ids: [1, 2], payloads: ["a"] }), undefined, /2 rows and 1 payloads/],
        [() => index.add([[1, 2, 3]], { ids: [1] }), undefined, /3 dimensions, and the index 24/],
        [() => index.add(QUERIES[0], { ids: [1] }), undefined, /not one vector/],
        [() => index.add("a text", { ids: [1] }), undefined, /not a string/, TypeError],
        [() => index.add(two), undefined, /ids must be an iterable/, TypeError],
        [() => index.add(two, { ids: "ab" }), undefined, /ids must be an iterable/, TypeError],
        [() => index.remove(3), undefined, /ids must be an iterable/, TypeError],
    ])
        await refused(call, "QUERN_EINVAL", at, message, kind);
    await index.refresh();
    assert.equal(index.info.count, COUNT);
    assert.deepEqual(idsOf(await index.search(QUERIES[0])), expected(QUERIES[0], 10));
});

test("nothing is left of a build that failed", async () => {
    const target = newPath(), texts = [...Array(1100).fill("fox"), TOO_LONG];
    await refused(() => Index.build(target, texts, { model }), "QUERN_ETOOLONG", 1100, /^texts\[1100\]: the text has/);
    await refused(() => Index.build(target, [...VECTORS, [...QUERIES[0], 1]]), "QUERN_EINVAL", COUNT, /25 numbers/);
    assert.deepEqual(readdirSync(WORK).filter((name) => name.startsWith(path.basename(target))), []);
});

test("what is no vector", async () => {
    const index = await built();
    const hostile = [1];
    Object.defineProperty(hostile, 0, { get: () => { throw new RangeError("from a getter"); } });
    await assert.rejects(index.search([hostile]), RangeError);
    await refused(() => index.add([...QUERIES[0]], { ids: [1] }), "QUERN_EINVAL", undefined, /not one vector/);
    await refused(() => index.search([1, "2"]), "QUERN_EINVAL", 0, /not one with string in it/, TypeError);
    for (const wrong of [3, null, undefined, {}, Symbol("a"), new Set(), Buffer.from("abc"), new Int8Array(DIMENSIONS),
                         new BigInt64Array(DIMENSIONS), new DataView(new ArrayBuffer(96)), [["a"]], [null], [[1n]],
                         [[1]], [QUERIES[0], [1]], [QUERIES[0], "a"], [[[1]]], [[, 1]], // eslint-disable-line
                         { data: new Float32Array(24), dims: [2, 24] }, { data: new Float32Array(24), dims: [-1, -24] },
                         { data: new Float32Array(24), dims: [NaN, 24] },
                         { data: new Float32Array(24), dims: ["1", 24] },
                         { data: new Float64Array(24), dims: [1, 24] }, { data: [], dims: [0, 24] }]) {
        await assert.rejects(index.search(wrong), { code: "QUERN_EINVAL" }, String(wrong?.constructor?.name));
        await assert.rejects(index.add(wrong, { ids: [1] }), { code: "QUERN_EINVAL" });
    }
    assert.equal(index.info.count, COUNT);
});

test("memory that is taken away during a call", async () => {
    const index = await built(), vectors = flat(QUERIES);
    const searching = index.search(vectors, { k: 1 });
    structuredClone(vectors.data, { transfer: [vectors.data.buffer] });
    await refused(() => searching, "QUERN_EINVAL", undefined, /taken away during the call/);
    const more = flat([...VECTORS, ...VECTORS]);
    const adding = index.add(more, { ids: [...Array(2 * COUNT).keys()] });
    structuredClone(more.data, { transfer: [more.data.buffer] });
    await refused(() => adding, "QUERN_EINVAL", undefined, /taken away during the call/);
    assert.deepEqual(idsOf(await index.search(QUERIES[0])), expected(QUERIES[0], 10));
    assert.equal(index.info.count, COUNT);
});

test("wrong options and names", async () => {
    const index = await built();
    for (const [options, message, kind] of [
        [{ k: 0 }, /k must be a whole number from 1/], [{ k: 65537 }, /k must be/],
        [{ k: "3" }, /k must be/, TypeError],
        [{ oversampling: -1 }, /oversampling must be/], [{ k: 300, oversampling: 300 }, /oversampling must be/],
        [{ least: "x" }, /least must be/, TypeError], [{ least: NaN }, /least/],
        [{ space: 3 }, /space must be/, TypeError], [{ space: "x".repeat(64) }, /space has 63 bytes/],
        [{ limit: 3 }, /no option 'limit'/, TypeError], [{ only: "a" }, /only must be/, TypeError],
        [null, /options must be/, TypeError],
    ])
        await refused(() => index.search(QUERIES[0], options), "QUERN_EINVAL", undefined, message, kind);
    const bad = [...QUERIES.slice(0, 70), new Float32Array(DIMENSIONS).fill(1e30)];
    await refused(() => index.search(bad), "QUERN_EINVAL", 70, /^vectors\[70\]: .*not finite/);
    for (const [options, message, kind] of [
        [{ dtype: "int8" }, /f32 or f16/], [{ threads: 0 }, /threads must be/], [{ ids: [1] }, /700 rows and 1 ids/],
        [{ model: {} }, /model must be a Model/, TypeError], [{ bits: 1 }, /bits must be/, TypeError],
        [{ space: "x".repeat(64) }, /space has 63 bytes/], [{ named: true }, /no option/, TypeError],
    ])
        await refused(() => built(options), "QUERN_EINVAL", undefined, message, kind);
    await refused(() => Index.build(newPath(), []), "QUERN_EINVAL", undefined, /so that the dimensions/);
    const named = await Index.build(newPath(), VECTORS.slice(0, 2), { ids: ["a", "b"] });
    for (const [id, message, kind] of [["", /1 to 4096 bytes/], ["x".repeat(4097), /1 to 4096/],
                                       ["\ud83d", /surrogate/], [3, /must be a string/, TypeError],
                                       [null, /must be a string/, TypeError]])
        await refused(() => named.add([QUERIES[0]], { ids: [id] }), "QUERN_EINVAL", 0, message, kind);
});

test("wrong files", async () => {
    await refused(() => Index.open(path.join(WORK, "none.qidx")), "QUERN_EIO", undefined, /none\.qidx/);
    await refused(() => Index.open("a\0b"), "QUERN_EINVAL", undefined, /NUL/);
    await refused(() => Index.open("x".repeat(5000)), "QUERN_EINVAL", undefined, /4096 bytes/);
    await refused(() => Index.open(3), "QUERN_EINVAL", undefined, /path must be/, TypeError);
    await assert.rejects(() => Index.open(file), quern.QuernError);
    const index = await built();
    const opened = openSync(index.path, "r+");
    writeSync(opened, "damage!!", Math.floor(statSync(index.path).size / 2));
    closeSync(opened);
    await refused(() => index.check(), "QUERN_EFORMAT", undefined, /damaged/);
});

test("a file that was replaced by one of another shape", { skip: WINDOWS }, async () => {
    const index = await built();
    (await Index.build(index.path, [Array(1000).fill(0.01)])).close();
    await refused(() => index.add([QUERIES[0]], { ids: [1] }), "QUERN_EINVAL", undefined, /vectors of 1000 dimensions/);
    await index.refresh();
    assert.equal(index.info.dimensions, 1000);
});

test("a closed index", async () => {
    const index = await built();
    const running = index.search(QUERIES, { k: 2 });
    index.close();
    index[Symbol.dispose ?? Symbol.for("Symbol.dispose")]();
    assert.equal((await running).length, QUERIES.length);
    const { ino } = statSync(index.path);
    for (const call of [() => index.search(QUERIES[0]), () => index.add([QUERIES[0]], { ids: [1] }),
                        () => index.remove([]), () => index.compact(), () => index.refresh(), () => index.check(),
                        () => index.info])
        await refused(call, "QUERN_EINVAL", undefined, /the index was closed/);
    assert.equal(statSync(index.path).ino, ino); // the file was not made anew
    await new Promise((done) => setImmediate(done));
    assert.equal(mapsOf(index.path), 0);
});

test("an index that nobody holds is freed, and so is one of a worker thread", async () => {
    const { path: name } = await built();
    for (let i = 0; i < 10 && mapsOf(name) > 0; i++) {
        globalThis.gc();
        await new Promise((done) => setTimeout(done, 10));
    }
    assert.equal(mapsOf(name), 0);
    const worker = new Worker(`const { Index } = require(${JSON.stringify(PACKAGE)});
        Index.open(${JSON.stringify(name)}).then(async (index) => {
            index.add(Array(5000).fill(Array(24).fill(0.1)), { ids: Array(5000).keys() });
            for (;;) {
                index.search(Array(3000).fill(Array(24).fill(0.1))).catch(() => {});
                await index.search(Array(24).fill([0.1]).map(() => Array(24).fill(0.1)));
                require("worker_threads").parentPort.postMessage("works");
            }
        });`, { eval: true });
    assert.deepEqual(await once(worker, "message"), ["works"]);
    await worker.terminate();
    assert.equal(mapsOf(name), 0);
    const again = await Index.open(name); // no lock is left
    await again.remove([1]);
});

test("a process ends with work under way", async () => {
    const { path: name } = await built();
    for (const [last, code] of [["process.exit(3)", 3], ["index.close()", 0], ["", 0]]) {
        const { code: found, err } = runNode(`
            quern.Index.open(file).then(async (index) => {
                const queries = Array(300).fill(Array(24).fill(0.1));
                index.add(queries, { ids: queries.keys() }).catch(() => {});
                index.search(queries).catch(() => {});
                await index.search(queries);
                ${last};
            });`, name);
        assert.deepEqual([found, err], [code, ""], last);
    }
});

test("the functions of the addon bear wrong rows", async () => {
    const call = (name, ...words) => new Promise((resolve, reject) => addon[name](...words, (error, result) =>
        error === null ? resolve(result) : reject(new Error(error.text))));
    const { handle } = await call("openIndex", (await built()).path, 1);
    const none = [null, null, null, null, null];
    const search = (data, first, count, rows = none) =>
        call("search", handle, data, first, count, 2, null, "", 0, false, ...rows);
    const data = flat(QUERIES).data;
    assert.equal((await search(data, 149, 1)).scores.byteLength, 16);
    for (const [first, count] of [[149, 2], [-1, 1], [150, 1], [2 ** 53, 1], [0, 65], [0, -1], [1e300, 1]])
        await assert.rejects(async () => search(data, first, count), TypeError, `${first} ${count}`);
    const lengths = Uint32Array.of(2, 4294967295), bytes = new Uint8Array(3);
    for (const rows of [[null, bytes, lengths, null, null], [null, bytes, null, bytes, lengths],
                        [new BigUint64Array(1), null, null, bytes, lengths], [[], null, null, null, null],
                        [new BigInt64Array(1), null, null, null, null], [null, null, Uint32Array.of(1), null, null]])
        for (const wrong of [() => search(data, 0, 1, rows), () => call("readRows", handle, 0, true, ...rows)])
            await assert.rejects(async () => wrong(), TypeError);
    assert.equal((await call("readRows", handle, 2 ** 62, false, ...none)).next, -1);
    await assert.rejects(async () => call("readRows", handle, -1, false, ...none), TypeError);
    await assert.rejects(async () => call("addRows", handle, data, 0, ...none), TypeError);
    await assert.rejects(async () => call("commit", handle), TypeError);
    await assert.rejects(async () => call("embed", handle, ["a"], "", null, 0, 8, 0, 0), TypeError);
    addon.close(handle);
    await assert.rejects(search(data, 0, 1), /the index was closed/);
    await assert.rejects(async () => call("writeIndex", newPath(), false, 1, 0, false, "", 0, false), TypeError);
});
