// The shims with the real packages from npm; vectors are compared with those of quern's own calls.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { test } from "node:test";
import { FeatureExtractionPipeline, Tensor, cos_sim } from "@huggingface/transformers";
import { Embeddings } from "@langchain/core/embeddings";
import { embed, embedMany } from "ai";
import { embed as embed7, embedMany as embedMany7 } from "ai7";
import { ChromaClient } from "chromadb";
import { LlamaEmbedding, getLlama as theirLlama } from "node-llama-cpp";
import { open } from "quern";
import { quern } from "quern/ai-sdk";
import { QuernEmbeddingFunction } from "quern/chroma";
import { QuernEmbeddings } from "quern/langchain";
import { getLlama } from "quern/node-llama-cpp";
import { pipeline } from "quern/transformers";
import { MANY, TEXTS, TOO_LONG, WORK, starter, tinyModel } from "./trial.mjs";

const file = tinyModel();
const model = await open(file);
const of = async (texts, options) => (await model.embed(texts, options)).tolist();

test("@langchain/core: Embeddings", async () => {
    const embeddings = new QuernEmbeddings({ model: file, maxConcurrency: 2 });
    assert.ok(embeddings instanceof Embeddings);
    assert.ok(embeddings.caller);
    assert.deepEqual(await embeddings.embedDocuments(MANY), await of(MANY, { task: "document" }));
    assert.deepEqual([await embeddings.embedQuery("a")], await of(["a"], { task: "query" }));
    assert.deepEqual(await embeddings.embedDocuments([]), []);
    await assert.rejects(embeddings.embedDocuments(["a", TOO_LONG]), { code: "QUERN_ETOOLONG", index: 1 });
    const cut = new QuernEmbeddings({ model: file, dimensions: 16, truncate: true });
    assert.deepEqual(await cut.embedDocuments([TOO_LONG]),
        await of([TOO_LONG], { task: "document", dimensions: 16, truncate: true }));
    assert.throws(() => new QuernEmbeddings({ modelName: file }), /no option 'modelName'/);
});

test("ai 6 and 7: embed, embedMany", async () => {
    const embedding = quern(file, { task: "document" });
    for (const [one, many] of [[embed, embedMany], [embed7, embedMany7]]) {
        const found = await many({ model: embedding, values: MANY });
        assert.deepEqual(found.embeddings, await of(MANY, { task: "document" }));
        assert.ok(found.usage.tokens > MANY.length);
        const query = await one({ model: embedding, value: "a",
            providerOptions: { quern: { task: "query", dimensions: 8 } } });
        assert.deepEqual([query.embedding], await of(["a"], { task: "query", dimensions: 8 }));
        await assert.rejects(one({ model: embedding, value: TOO_LONG, maxRetries: 0 }), /the text has at least/);
        await assert.rejects(many({ model: embedding, values: MANY, abortSignal: AbortSignal.abort() }));
    }
});

test("node-llama-cpp: the same calls, vectors of the same direction, an embedding of theirs", async () => {
    const direction = async (getter) => {
        const llama = await getter();
        const loaded = await llama.loadModel({ modelPath: starter });
        const context = await loaded.createEmbeddingContext();
        const found = [];
        for (const text of ["how do plants drink", "the tax office"])
            found.push(await context.getEmbeddingFor(text));
        await context.dispose();
        await loaded.dispose();
        await llama.dispose();
        return found;
    };
    const ours = await direction(getLlama);
    const theirs = await direction(() => theirLlama({ gpu: false, build: "never", logLevel: "error" }));
    for (const [i, embedding] of theirs.entries()) {
        const again = new LlamaEmbedding({ vector: ours[i].vector });
        assert.deepEqual(again.toJSON(), ours[i].toJSON());
        assert.ok(embedding.calculateCosineSimilarity(again) > 0.999, "the directions differ");
        assert.ok(Math.abs(ours[0].calculateCosineSimilarity(ours[i]) -
            again.calculateCosineSimilarity(ours[0])) < 1e-9);
    }
});

// A pipeline of transformers.js, whose model gives vectors of quern as the states of one token.
async function theirPipeline() {
    const tokenizer = (texts) => {
        const list = [texts].flat();
        return { list, attention_mask: new Tensor("int64", new BigInt64Array(list.length).fill(1n), [list.length, 1]) };
    };
    const states = async ({ list }) => {
        const { data, dims } = await model.embed(list, { normalize: false });
        return { last_hidden_state: new Tensor("float32", data.slice(), [dims[0], 1, dims[1]]) };
    };
    return new FeatureExtractionPipeline({ task: "feature-extraction", tokenizer, model: states });
}

test("@huggingface/transformers: the pipeline feature-extraction", async () => {
    const ours = await pipeline("feature-extraction", file, { device: "cpu", dtype: "fp32" });
    const theirs = await theirPipeline();
    for (const texts of ["a red apple", TEXTS])
        for (const options of [{ pooling: "mean" }, { pooling: "cls", normalize: true },
                               { pooling: "mean", quantize: true },
                               { pooling: "mean", normalize: true, quantize: true, precision: "ubinary" }]) {
            const [found, expected] = [await ours(texts, options), await theirs(texts, options)];
            assert.deepEqual([found.type, found.dims, found.size], [expected.type, expected.dims, expected.size]);
            found.data.forEach((number, i) => assert.ok(Math.abs(number - expected.data[i]) < 1e-6));
            assert.deepEqual(found.tolist(), new Tensor(found.type, found.data, found.dims).tolist());
        }
    const [a, b] = (await ours(["a", "b"], { pooling: "mean", normalize: true })).tolist();
    assert.ok(Math.abs(cos_sim(a, a) - 1) < 1e-6 && cos_sim(a, b) < 1);
});

test("chromadb: a collection of its server", async () => {
    const port = 20000 + process.pid % 10000;
    const words = ["chroma", "run", "--path", path.join(WORK, "chroma"), "--host", "127.0.0.1", "--port", `${port}`];
    const server = spawn(process.execPath, // the last version of the server that runs with glibc 2.36
        ["-e", `require("chromadb-js-bindings-linux-x64-gnu").cli(${JSON.stringify(words)})`], { stdio: "ignore" });
    const ended = once(server, "exit");
    try {
        const client = new ChromaClient({ host: "127.0.0.1", port });
        for (let tries = 0; ; tries++) {
            if (await client.heartbeat().then(() => true, () => false))
                break;
            assert.ok(tries < 300 && server.exitCode === null, "Chroma's server does not answer");
            await new Promise((done) => setTimeout(done, 100));
        }
        const embeddingFunction = new QuernEmbeddingFunction({ model: file, dimensions: 32 });
        const collection = await client.createCollection({ name: "texts", embeddingFunction });
        await collection.add({ ids: MANY.map((_, i) => `${i}`), documents: MANY });
        const stored = await collection.get({ ids: ["7"], include: ["embeddings"] });
        const [expected] = await of([MANY[7]], { task: "document", dimensions: 32 });
        stored.embeddings[0].forEach((number, i) => assert.ok(Math.abs(number - expected[i]) < 1e-6)); // it rounds
        const question = { queryTexts: ["number 120"], nResults: 5 };
        const found = await collection.query(question);
        assert.deepEqual(found.ids, (await collection.query({ nResults: 5,
            queryEmbeddings: await of(["number 120"], { task: "query", dimensions: 32 }) })).ids);
        // Without the function, Chroma makes it from what it has stored.
        const again = await client.getCollection({ name: "texts" });
        assert.deepEqual((await again.query(question)).ids, found.ids);
        const other = { ...embeddingFunction.getConfig(), model: "other" };
        assert.throws(() => embeddingFunction.validateConfigUpdate(other), /cannot change/);
        embeddingFunction.validateConfigUpdate(embeddingFunction.getConfig());
    } finally {
        server.kill();
        await ended;
    }
});
