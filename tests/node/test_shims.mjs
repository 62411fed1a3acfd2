// The shapes of other packages, without these packages. tests/node/run tries them with the real ones.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { PACKAGE, TEXTS, TOO_LONG, quern, refused, require, tinyModel } from "./trial.mjs";

const file = tinyModel();
const model = await quern.open(file);
const of = async (texts, options) => (await model.embed(texts, options)).tolist();
const { pipeline } = require(path.join(PACKAGE, "transformers.js"));
const { Embedding, getLlama } = require(path.join(PACKAGE, "node_llama_cpp.js"));
const { quern: embeddingModel } = require(path.join(PACKAGE, "ai_sdk.js"));

test("transformers.js: a pipeline", async () => {
    const extract = await pipeline("feature-extraction", file, { dtype: "q8", device: "cpu", threads: 1 });
    const raw = await extract(TEXTS, { pooling: "mean" });
    assert.deepEqual([raw.type, raw.dims, raw.size], ["float32", [TEXTS.length, model.dimensions], raw.data.length]);
    assert.deepEqual(raw.tolist(), await of(TEXTS, { normalize: false }));
    assert.deepEqual([...raw].map((row) => row.tolist()), raw.tolist());
    assert.deepEqual((await extract("a", { pooling: "cls", normalize: true, task: "query" })).tolist(),
        await of(["a"], { task: "query" }));
    assert.deepEqual((await extract(TOO_LONG, { pooling: "mean" })).dims, [1, model.dimensions]);
    for (const pooling of [undefined, "none"])
        await refused(() => extract("a", { pooling }), "QUERN_EINVAL", undefined, /pooling must be/);
    await refused(() => extract("a", { pooling: "mean", quantize: true, precision: "int8" }), "QUERN_EINVAL", undefined,
        /precision must be 'binary' or 'ubinary', not 'int8'/);
    const [bits, unsigned] = await Promise.all(["binary", "ubinary"].map((precision) =>
        extract(TEXTS, { pooling: "mean", quantize: true, precision })));
    assert.deepEqual([bits.type, unsigned.type, bits.dims], ["int8", "uint8", unsigned.dims]);
    assert.deepEqual(Array.from(bits.data, (byte) => byte + 128), Array.from(unsigned.data));
    await refused(() => pipeline("summarization", file), "QUERN_EINVAL", undefined, /feature-extraction/);
    await extract.dispose();
    await refused(() => extract("a", { pooling: "mean" }), "QUERN_EINVAL", undefined, /closed/);
});

test("node-llama-cpp: getEmbeddingFor", async () => {
    const llama = await getLlama({ maxThreads: 1 });
    const loaded = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
    const context = await loaded.createEmbeddingContext({ contextSize: "auto" });
    const [a, b] = [await context.getEmbeddingFor("a"), await context.getEmbeddingFor("b")];
    assert.deepEqual([a.vector, b.vector], await of(["a", "b"]));
    assert.ok(Math.abs(a.calculateCosineSimilarity(a) - 1) < 1e-12);
    assert.equal(a.calculateCosineSimilarity(b), b.calculateCosineSimilarity(a.toJSON()));
    assert.deepEqual(Embedding.fromJSON(JSON.parse(JSON.stringify(a))), a);
    assert.throws(() => a.calculateCosineSimilarity([1]), /numbers/);
    const queries = await loaded.createEmbeddingContext({ task: "query" });
    assert.deepEqual([(await queries.getEmbeddingFor("a")).vector], await of(["a"], { task: "query" }));
    await refused(() => context.getEmbeddingFor([1, 2]), "QUERN_EINVAL", undefined, /must be a string/, TypeError);
    await context.dispose();
    await refused(() => context.getEmbeddingFor("a"), "QUERN_EINVAL", undefined, /disposed/);
    assert.deepEqual([loaded.embeddingVectorSize, loaded.trainContextSize], [model.dimensions, model.contextLength]);
    await loaded.dispose();
    await refused(() => queries.getEmbeddingFor("a"), "QUERN_EINVAL", undefined, /closed/);
});

test("AI SDK: an embedding model", async () => {
    const embedding = embeddingModel(file, { task: "document", dimensions: 16 });
    const { embeddings, usage, warnings } = await embedding.doEmbed({ values: TEXTS });
    const expected = await model.embed(TEXTS, { task: "document", dimensions: 16 });
    assert.deepEqual(embeddings, expected.tolist());
    assert.deepEqual([usage.tokens, warnings], [expected.tokens.reduce((a, b) => a + b), []]);
    const query = await embedding.doEmbed({ values: ["a"], providerOptions: { quern: { task: "query" } } });
    assert.deepEqual(query.embeddings, await of(["a"], { task: "query", dimensions: 16 }));
    const reason = new Error("enough");
    await assert.rejects(embedding.doEmbed({ values: ["a"], abortSignal: AbortSignal.abort(reason) }), reason);
    assert.throws(() => embeddingModel(file, { dimension: 16 }), /no option 'dimension'/);
});

test("a model that cannot be opened is tried again", async () => {
    const embedding = embeddingModel("none.gguf");
    for (let i = 0; i < 2; i++)
        await refused(() => embedding.doEmbed({ values: ["a"] }), "QUERN_EIO", undefined, /no file or model/);
});
