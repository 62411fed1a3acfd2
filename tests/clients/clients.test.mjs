// Clients in their default settings, as a newcomer would use them; each vector is compared with the library's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { InferenceClient } from "@huggingface/inference";
import { OllamaEmbeddings } from "@langchain/ollama";
import { OpenAIEmbeddings } from "@langchain/openai";
import { embed as embedOne, embedMany } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { address, embed, embedWith, same } from "./library.mjs";

const texts = ["how do plants drink", "Größe, naïve, 東京 🙂", "two\nlines", " ", "a"];
const many = Array.from({ length: 1500 }, (_, i) => `text number ${i}`);
const long = "word ".repeat(5000);
const plain = embed(texts);

const openai = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none" });

test("openai: texts", async () => {
    const answer = await openai.embeddings.create({ model: "any-name", input: texts });
    same(answer.data.map((item) => item.embedding), plain);
    assert.deepEqual(answer.data.map((item) => item.index), [0, 1, 2, 3, 4]);
    assert.equal(answer.model, "any-name");
    assert.ok(answer.usage.prompt_tokens > 5);
});

test("openai: a base URL without /v1, or with a slash too many", async () => {
    for (const baseURL of [address, `${address}/`, `${address}/v1/`, `${address}/api/v1`]) {
        const client = new OpenAI({ baseURL, apiKey: "none" });
        same((await client.embeddings.create({ model: "m", input: texts })).data.map((item) => item.embedding), plain);
    }
});

test("openai: one text, floats, fewer dimensions", async () => {
    const answer = await openai.embeddings.create(
        { model: "m", input: texts[0], dimensions: 16, encoding_format: "float" });
    same([answer.data[0].embedding], embed([texts[0]], "none", "-d", "16"));
});

test("openai: the prompt by the model's name, as /v1/models lists it", async () => {
    const names = [];
    for await (const model of openai.models.list())
        names.push(model.id);
    for (const task of ["query", "document"]) {
        const name = names.find((id) => id.endsWith(`:${task}`));
        const answer = await openai.embeddings.create({ model: name, input: texts });
        same(answer.data.map((item) => item.embedding), embed(texts, task));
    }
    assert.equal((await openai.models.retrieve(names[0])).id, names[0]);
});

test("openai: mistakes become the errors they are, at the first try", async () => {
    const wrong = async (request, type) => {
        await assert.rejects(openai.embeddings.create({ model: "m", ...request }), (error) => {
            assert.ok(error instanceof type, error.constructor.name);
            assert.equal(error.type, "invalid_request_error");
            return true;
        });
    };
    await wrong({ input: "" }, OpenAI.BadRequestError);
    await wrong({ input: long }, OpenAI.BadRequestError);
    await wrong({ input: [1, 2, 3] }, OpenAI.BadRequestError);
    await wrong({ input: "a", dimensions: 100000 }, OpenAI.BadRequestError);
    await assert.rejects(openai.models.retrieve("none-such"), OpenAI.NotFoundError);
    await assert.rejects(openai.chat.completions.create({ model: "m", messages: [] }), OpenAI.NotFoundError);
});

test("openai: fifty requests at once", async () => {
    const inputs = many.slice(0, 50);
    const answers = await Promise.all(inputs.map((input) => openai.embeddings.create({ model: "m", input })));
    same(answers.map((answer) => answer.data[0].embedding), embed(inputs));
});

const ollama = new Ollama({ host: address });

test("ollama: embed", async () => {
    const answer = await ollama.embed({ model: "embeddinggemma", input: texts });
    same(answer.embeddings, plain);
    assert.equal(answer.model, "embeddinggemma");
    assert.ok(answer.prompt_eval_count > 5 && answer.total_duration > 0);
    const short = await ollama.embed({ model: "m", input: texts[0], dimensions: 8 });
    same(short.embeddings, embed([texts[0]], "none", "-d", "8"));
});

test("ollama: long texts are cut unless told", async () => {
    same((await ollama.embed({ model: "m", input: long })).embeddings, embed([long], "none", "--truncate"));
    await assert.rejects(ollama.embed({ model: "m", input: long, truncate: false }), { status_code: 400 });
});

test("ollama: embeddings, list, show, ps, version", async () => {
    same([(await ollama.embeddings({ model: "m", prompt: texts[0] })).embedding], [plain[0]]);
    const { models: [first] } = await ollama.list();
    assert.equal(first.details.family, "gemma-embedding");
    const shown = await ollama.show({ model: first.name });
    assert.ok(shown.capabilities.includes("embedding"));
    assert.ok(shown.model_info["gemma-embedding.context_length"] > 0);
    assert.equal((await ollama.ps()).models[0].name, first.name);
    assert.match((await ollama.version()).version, /^0\.\d+\.\d+$/);
    assert.equal((await ollama.pull({ model: first.name })).status, "success");
    const lines = [];
    for await (const line of await ollama.pull({ model: first.name, stream: true }))
        lines.push(line.status);
    assert.deepEqual([lines[0], lines.at(-1)], ["pulling manifest", "success"]);
    await assert.rejects(ollama.pull({ model: "nomic-embed-text" }), /quern pull/);
});

test("a server of two models: openai and ollama choose one by its name", async () => {
    const { SEVERAL_ADDRESS: several, WIDE: wide } = process.env;
    const there = { openai: new OpenAI({ baseURL: `http://${several}/v1`, apiKey: "none" }),
        ollama: new Ollama({ host: `http://${several}` }) };
    const names = (await there.ollama.list()).models.map(({ name }) => name);
    assert.equal(names[1], "wide:latest");
    const expected = embedWith(wide, texts);
    same((await there.openai.embeddings.create({ model: "wide", input: texts })).data.map((item) => item.embedding),
        expected);
    same((await there.ollama.embed({ model: "wide:latest", input: texts, keep_alive: "5m" })).embeddings, expected);
    same((await there.ollama.embed({ model: names[0], input: texts })).embeddings, plain);
    assert.equal((await there.ollama.show({ model: "wide" })).model_info["gemma-embedding.embedding_length"], 256);
    const loaded = async () => (await there.ollama.ps()).models.map(({ name }) => name);
    assert.deepEqual(await loaded(), names);
    await there.ollama.embed({ model: "wide", input: "a", keep_alive: 0 });
    for (let tries = 0; (await loaded()).length > 1; tries++)
        assert.ok(tries < 1000, "the model is freed");
    await assert.rejects(there.openai.embeddings.create({ model: "other", input: "a" }), OpenAI.NotFoundError);
    await assert.rejects(there.ollama.embed({ model: "other", input: "a" }), /model not found: .*wide/);
});

test("@langchain/openai", async () => {
    const embeddings = new OpenAIEmbeddings(
        { apiKey: "none", model: "m:document", configuration: { baseURL: `${address}/v1` } });
    const lines = texts.map((text) => text.replaceAll("\n", " ")); // which it makes of them
    same(await embeddings.embedDocuments(texts), embed(lines, "document"));
    same(await embeddings.embedDocuments(many), embed(many, "document"));
    same([await embeddings.embedQuery(texts[0])], embed([texts[0]], "document"));
});

test("@langchain/ollama", async () => {
    const embeddings = new OllamaEmbeddings({ baseUrl: address, model: "embeddinggemma" });
    same(await embeddings.embedDocuments(texts), plain);
    same([await embeddings.embedQuery(texts[0])], [plain[0]]);
});

test("@huggingface/inference: featureExtraction, sentenceSimilarity", async () => {
    const client = new InferenceClient("hf_none");
    same(await client.endpoint(address).featureExtraction({ inputs: texts }), plain);
    same(await client.endpoint(`${address}/embed`).featureExtraction({ inputs: texts[0], prompt_name: "query" }),
        embed([texts[0]], "query"));
    const scores = await client.endpoint(`${address}/similarity`).sentenceSimilarity(
        { inputs: { source_sentence: texts[0], sentences: [texts[0], texts[1]] } });
    const expected = plain[0].reduce((sum, x, i) => sum + x * plain[1][i], 0);
    assert.ok(Math.abs(scores[0] - 1) < 1e-5 && Math.abs(scores[1] - expected) < 1e-5, String(scores));
});

test("ai: embed, embedMany", async () => {
    const provider = createOpenAICompatible({ name: "quern", baseURL: `${address}/v1` });
    const model = provider.textEmbeddingModel("m");
    same([(await embedOne({ model, value: texts[0] })).embedding], [plain[0]]);
    const answer = await embedMany({ model, values: texts });
    same(answer.embeddings, plain);
    assert.ok(answer.usage.tokens > 5);
    same((await embedMany({ model, values: many })).embeddings, embed(many));
});
