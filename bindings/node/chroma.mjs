// quern as an embedding function of Chroma (package chromadb).
import { registerEmbeddingFunction } from "chromadb";
import { LazyModel } from "./lazy_model.js";

export class QuernEmbeddingFunction {
    name = "quern";
    #lazy;

    constructor({ model = null, threads = null, dimensions = null, truncate = false, ...others } = {}) {
        this.#lazy = new LazyModel({ model, threads, dimensions, truncate, ...others });
    }

    generate(texts) {
        return this.#lazy.lists(texts, "document");
    }

    generateForQueries(texts) {
        return this.#lazy.lists(texts, "query");
    }

    defaultSpace() {
        return "cosine";
    }

    supportedSpaces() {
        return ["cosine", "l2", "ip"];
    }

    getConfig() {
        return { ...this.#lazy.settings };
    }

    static buildFromConfig(config) {
        return new QuernEmbeddingFunction(config);
    }

    validateConfigUpdate(newConfig) {
        for (const key of ["model", "dimensions"])
            if ((newConfig[key] ?? null) !== this.#lazy.settings[key])
                throw new Error(`the ${key} of a collection cannot change: its vectors belong to the old one`);
    }
}

registerEmbeddingFunction("quern", QuernEmbeddingFunction);
