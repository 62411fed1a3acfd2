// What the compiler of TypeScript must accept and, below @ts-expect-error, refuse. It is not run.
import type { Embeddings } from "@langchain/core/embeddings";
import { embed, embedMany, type EmbeddingModel } from "ai";
import type { EmbeddingFunction, EmbeddingFunctionClass } from "chromadb";
import { Index, open, pull, QuernError, version, type Hits, type Model } from "quern";
import { quern } from "quern/ai-sdk";
import { QuernEmbeddingFunction } from "quern/chroma";
import { QuernEmbeddings } from "quern/langchain";
import { getLlama } from "quern/node-llama-cpp";
import { pipeline } from "quern/transformers";

const model: Model = await open("starter", { threads: 2, exact: false });
const numbers: Float32Array = (await model.embed(["a"] as const, { task: "query", dimensions: 8 })).data;
const bytes: Int8Array = (await model.embed("a", { dtype: "int8" })).data;
for await (const vector of model.stream(new Set(["a"]), { dtype: "binary" }))
    vector satisfies Uint8Array;
for (const vector of await model.embed("a"))
    vector satisfies Float32Array;
const ids: Int32Array = await model.tokenize("a", { task: "document" });
const space: string = model.space({ task: "passage" });
{
    using other = await open();
    other.dimensions satisfies number;
}
const prompted = await open("starter", { prompts: { query: "Query: " } });
await prompted.embed("a", { prompt: "Instruct: " });
{
    using index = await Index.build("a.qidx", ["a"], { model, ids: new Set(["a"]), payloads: [null], dtype: "f16" });
    const hits: Hits = await index.search("a", { k: 3, only: ["a"] });
    for await (const row of index.rows({ only: new Set(["a"]) }))
        [row.id, row.text] satisfies unknown[];
    const many: Hits[] = await index.search(await model.embed(["a", "b"]), { oversampling: 2 });
    await index.search([[1, 2], new Float32Array(2)]);
    (await index.search([1, 2])).certified satisfies boolean;
    await index.add([new Float32Array(2)], { ids: [7n] });
    const removed: number = await index.remove([1, 2]);
    [hits.certified, many[0].scored, hits[0].text, hits[0].payload[0], removed, index.info.count] satisfies unknown[];
    // @ts-expect-error: rows that are added have ids
    await index.add(["a"]);
    // @ts-expect-error: bytes are no vectors
    await index.search(new Int8Array(2));
    // @ts-expect-error: a misspelt option
    await index.search("a", { limit: 3 });
}
// @ts-expect-error: indexes are opened or built
new Index();
const pulled: string = await pull("embeddinggemma", { onProgress: (done, total) => done / total });
await open(pulled);
const error = new Error() as QuernError;
const where: number | undefined = error.index;
model.close();

// @ts-expect-error: a text is a string
await model.embed([1]);
// @ts-expect-error: a misspelt option
await model.embed("a", { normalise: true });
// @ts-expect-error: no such format
await model.embed("a", { dtype: "f64" });
// @ts-expect-error: only open makes models
new model.constructor() satisfies Model;
// @ts-expect-error: stream takes no single text that is a number
model.stream(3);

const langchain: Embeddings = new QuernEmbeddings({ model: "starter", maxConcurrency: 2 });
const chroma: EmbeddingFunction = new QuernEmbeddingFunction({ model: "starter", dimensions: 8 });
const chromaClass: EmbeddingFunctionClass = QuernEmbeddingFunction;
const sdk: EmbeddingModel = quern("starter", { task: "document" });
await embed({ model: sdk, value: "a" });
await embedMany({ model: quern(), values: ["a"] });
const context = await (await (await getLlama({ maxThreads: 1, gpu: false })).loadModel({ modelPath: "a" }))
    .createEmbeddingContext();
const vector: readonly number[] = (await context.getEmbeddingFor("a")).vector;
const extract = await pipeline("feature-extraction", "starter", { dtype: "q8" });
const dims: number[] = (await extract(["a"], { pooling: "mean", normalize: true })).dims;
// @ts-expect-error: there are no vectors of tokens
await extract("a", { pooling: "none" });
export { bytes, chroma, chromaClass, dims, ids, langchain, numbers, space, vector, version, where };
