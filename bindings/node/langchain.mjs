// quern as embeddings of LangChain (package @langchain/core).
import { Embeddings } from "@langchain/core/embeddings";
import { LazyModel } from "./lazy_model.js";

const OF_LANGCHAIN = ["maxConcurrency", "maxRetries", "onFailedAttempt"];

export class QuernEmbeddings extends Embeddings {
    #lazy;

    constructor(settings = {}) {
        super(settings);
        this.#lazy = new LazyModel(settings, OF_LANGCHAIN);
    }

    embedDocuments(documents) {
        return this.#lazy.lists(documents, "document");
    }

    async embedQuery(document) {
        return (await this.#lazy.lists([document], "query"))[0];
    }
}
