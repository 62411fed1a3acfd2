// What tests/node/valgrind runs: each function of the addon, with and without an error, and a worker thread.
// usage: node under_valgrind.cjs PACKAGE MODEL
"use strict";
const { Worker, isMainThread, workerData } = require("worker_threads");
const [folder, file] = isMainThread ? process.argv.slice(2) : workerData;
const quern = require(folder);

async function use() {
    const model = await quern.open(file, { threads: 1 });
    await model.embed(["a", "b\0c", ""], { task: "document", title: "a title", dtype: "int8" });
    await model.embed([]);
    await model.tokenize("a text");
    for (const call of [() => model.embed(["a", "a b ".repeat(5000)]), () => model.embed("a", { dimensions: 0 }),
                        () => model.embed([1]), () => quern.open("none.gguf"), () => quern.open(__filename)])
        await call().then(() => { throw new Error("it must be refused"); }, () => {});
    model.space({ task: "query" });
    const last = model.embed("a");
    const waiting = model.embed("b");
    model.close();
    await last;
    await waiting.catch(() => {});
    const { Index } = quern, path = file + (isMainThread ? ".main.qidx" : ".worker.qidx");
    const vectors = { data: new Float32Array(64).fill(0.1), dims: [4, 16] };
    const ids = ["a", "b", "c", "d"];
    const index = await Index.build(path, vectors, { ids, payloads: ["x", "", null, "y"], bits: true });
    await index.search(vectors, { k: 2, only: ["a", "d"] });
    await index.search(vectors, { k: 200, oversampling: 2 });
    await index.add([vectors.data.slice(0, 16)], { ids: ["e"] });
    await index.remove(["e", "none"]);
    await index.compact();
    await index.check();
    for (const call of [() => index.add([vectors.data.slice(0, 16).fill(NaN)], { ids: ["f"] }), () => Index.open(file),
                        () => index.search([[NaN]]), () => index.search(vectors, { space: "16n-0-none", least: NaN })])
        await call().then(() => { throw new Error("it must be refused"); }, () => {});
    index.search(vectors);
    if (isMainThread)
        index.close();
    const kept = await quern.open(file, { threads: 1 }); // is freed at the end
    kept.embed(["a", "b"]);
}

use().then(() => {
    if (isMainThread)
        new Worker(__filename, { workerData: [folder, file] }).on("exit", () => console.log("done"));
});
