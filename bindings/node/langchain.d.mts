import { Embeddings, type EmbeddingsParams } from "@langchain/core/embeddings";
import type { ModelSettings } from "quern";

/** Embeddings of LangChain. Documents and queries get the model's prompts for them; vectors have length 1. */
export declare class QuernEmbeddings extends Embeddings {
    constructor(settings?: ModelSettings & EmbeddingsParams);
    embedDocuments(documents: string[]): Promise<number[][]>;
    embedQuery(document: string): Promise<number[]>;
}
