// Worker threads, the end of processes and threads, and the collection of garbage, with work under way.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, renameSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { MANY, PACKAGE, WINDOWS, WORK, bytesOf, mapsOf, quern, runNode, starter, tinyModel } from "./trial.mjs";

const file = tinyModel();
const LONG = `Array(20000).fill("some text of a few words")`;

// Runs a program in a worker thread, with quern, file and tell, which sends a message.
function worker(program) {
    return new Worker(`const { parentPort } = require("worker_threads");
        const tell = (what) => parentPort.postMessage(what);
        const quern = require(${JSON.stringify(PACKAGE)}); const file = ${JSON.stringify(file)};
        (async () => { ${program} })().catch((error) => { setImmediate(() => { throw error; }); });`, { eval: true });
}

async function collect() {
    for (let i = 0; i < 5; i++) {
        globalThis.gc();
        await new Promise((done) => setTimeout(done, 10));
    }
}

test("worker threads share a model with the main thread: it is in memory once", async () => {
    await collect();
    const before = mapsOf(file), model = await quern.open(file), alone = mapsOf(file);
    assert.ok(alone > before);
    const expected = bytesOf((await model.embed(MANY)).data).toString("base64");
    const workers = Array.from({ length: 4 }, () => worker(`
        const model = await quern.open(file, { threads: 1 });
        const texts = ${JSON.stringify(MANY)};
        for (let i = 0; i < 3; i++)
            tell(Buffer.from((await model.embed(texts)).data.buffer).toString("base64"));`));
    const found = workers.map(async (one) => {
        const messages = [];
        one.on("message", (message) => messages.push(message));
        const [code] = await once(one, "exit");
        assert.equal(code, 0);
        assert.deepEqual(messages, Array(3).fill(expected));
    });
    for (let i = 0; i < 3; i++)
        assert.equal(bytesOf((await model.embed(MANY)).data).toString("base64"), expected);
    assert.equal(mapsOf(file), alone);
    await Promise.all(found);
    model.close();
    assert.equal(mapsOf(file), before);
});

test("a worker thread that is ended in the middle frees its models", async () => {
    await collect();
    const before = mapsOf(file);
    for (const program of [
        `const model = await quern.open(file); const call = model.embed(${LONG}); tell("works"); await call;`,
        `const model = await quern.open(file); for (let i = 0; i < 50; i++) model.embed(${LONG}); tell("works");`,
        `const model = await quern.open(file); model.embed(${LONG}); await model.embed("a"); tell("works");
         process.exit();`,
        `const model = await quern.open(file); model.close(); globalThis.kept = await quern.open(file); tell("works");`,
        `for (let i = 0; i < 4; i++) quern.open(file); tell("works"); process.exit();`,
    ]) {
        const one = worker(program);
        assert.deepEqual(await once(one, "message"), ["works"]);
        await one.terminate();
        assert.equal(mapsOf(file), before, program);
    }
});

test("a process ends with work under way", () => {
    for (const [last, code] of [
        ["process.exit(3)", 3],
        ["model.close()", 0],
        ["setImmediate(() => process.exit(4))", 4],
        ["process.exitCode = 5", 5],
        ["process.on('exit', () => model.embed('a'))", 0],
        ["model = null; globalThis.gc(); ", 0],
        ["throw new Error('on purpose')", 1],
        ["process.kill(process.pid, 'SIGTERM')", WINDOWS ? 1 : null],
    ]) {
        const { code: found, err } = runNode(`
            quern.open(file).then(async (model) => {
                const calls = Array.from({ length: 5 }, () => model.embed(${LONG.replace("20000", "200")}));
                calls.forEach((call) => call.catch(() => {}));
                await model.embed("a");
                ${last};
            });`, file, { flags: ["--expose-gc"] });
        assert.equal(found, code, `${last}: ${err}`);
        assert.ok(last.startsWith("throw") || err === "", `${last}: ${err}`);
    }
    const { code } = runNode("quern.open(file); quern.open(file); process.exit(6);", file);
    assert.equal(code, 6);
});

test("process.exit waits for a call of the library at most, not for all texts", () => {
    const { code, signal } = runNode(`quern.open(file).then(async (model) => {
        model.embed(Array(2000000).fill("some text of a few words"));
        await model.embed("a");
        process.exit(7);
    });`, file, { timeout: 60000 });
    assert.deepEqual([code, signal], [7, null]);
});

test("models that nobody holds are freed, also with calls under way", async () => {
    await collect();
    const before = mapsOf(file);
    const calls = [];
    await (async () => {
        for (let i = 0; i < 3; i++) {
            const model = await quern.open(file);
            calls.push(model.embed(MANY), model.tokenize("a"));
        }
        assert.ok(mapsOf(file) > before);
    })();
    globalThis.gc();
    for (const call of calls)
        assert.ok(await call);
    calls.length = 0;
    await collect();
    assert.equal(mapsOf(file), before);
});

test("close gives the memory back at once, or when a call ends", async () => {
    const before = mapsOf(file);
    const model = await quern.open(file);
    model.close();
    assert.equal(mapsOf(file), before);
    const other = await quern.open(file);
    const call = other.embed("a");
    other.close();
    assert.ok(mapsOf(file) > before);
    await call;
    await new Promise((done) => setImmediate(done));
    assert.equal(mapsOf(file), before);
});

test("a file that was replaced is another model", { skip: WINDOWS }, async () => {
    const path = `${WORK}/replaced.gguf`;
    copyFileSync(file, path);
    const model = await quern.open(path), expected = await model.embed("a");
    const same = await quern.open(path), shorter = await quern.open(path, { contextLength: 8 });
    assert.deepEqual((await same.embed("a")).data, expected.data);
    assert.equal(shorter.contextLength, 8);
    copyFileSync(starter, `${path}.new`);
    renameSync(`${path}.new`, path);
    const other = await quern.open(path);
    assert.equal(other.dimensions, 448);
    assert.deepEqual((await model.embed("a")).data, expected.data);
    for (const one of [model, same, shorter, other])
        one.close();
});

test("the collector is told how much memory a model has, so it comes by itself", { skip: WINDOWS }, () => {
    const { out, err } = runNode(`(async () => {
        const fs = require("fs"), copy = process.argv[1];
        fs.copyFileSync(file, copy);
        let most = 0;
        for (let i = 0; i < 100; i++) {
            fs.utimesSync(copy, i, i); // so that it is another file, which is not shared
            await quern.open(copy, { threads: 1 });
            await new Promise((done) => setImmediate(done));
            const maps = fs.readFileSync("/proc/self/maps", "utf8").split(copy).length - 1;
            most = Math.max(most, maps);
        }
        console.log(most > 1, most < 90);
    })()`, starter, { words: [`${WORK}/copy.gguf`] });
    assert.deepEqual([out, err], ["true true\n", ""]);
});

test("an error in a callback of the program is the program's", () => {
    const { code, err } = runNode(`quern.open(file).then((model) => {
        model.embed("a").then(() => { throw new Error("of the program"); });
        process.on("uncaughtException", async (error) => {
            console.error(error.message, (await model.embed("b")).dims[0]);
        });
    });`, file);
    assert.deepEqual([code, err], [0, "of the program 1\n"]);
});
