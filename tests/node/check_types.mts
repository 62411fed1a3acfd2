// What the compiler of TypeScript must accept and, below @ts-expect-error, refuse. It is not run.
import type { Embeddings } from "@langchain/core/embeddings";
import { embed, embedMany, type EmbeddingModel } from "ai";
import type { EmbeddingFunction, EmbeddingFunctionClass } from "chromadb";
import { open, QuernError, version, type Model } from "quern";
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
