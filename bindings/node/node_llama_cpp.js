// getEmbeddingFor in the shape that node-llama-cpp has.
"use strict";
const { QuernError, kindOf, typeError } = require("./errors.js");
const { open } = require("./model.js");

class Embedding {
    constructor({ vector }) {
        this.vector = Object.freeze(vector.slice());
    }

    toJSON() {
        return { type: "embedding", vector: this.vector };
    }

    calculateCosineSimilarity(other) {
        const vector = Array.isArray(other) ? other : other.vector;
        if (vector.length !== this.vector.length)
            throw new QuernError(`the vectors have ${this.vector.length} and ${vector.length} numbers`);
        let dot = 0, own = 0, others = 0;
        for (let i = 0; i < vector.length; i++) {
            dot += this.vector[i] * vector[i];
            own += this.vector[i] ** 2;
            others += vector[i] ** 2;
        }
        return own > 0 && others > 0 ? dot / Math.sqrt(own * others) : 0;
    }

    static fromJSON({ vector }) {
        return new Embedding({ vector });
    }
}

class EmbeddingContext {
    #task;

    constructor(model, task) {
        this.model = model;
        this.#task = task;
        this.disposed = false;
    }

    async getEmbeddingFor(input) {
        if (typeof input !== "string")
            throw typeError(`the input must be a string, not ${kindOf(input)}`);
        if (this.disposed)
            throw new QuernError("the context was disposed");
        const [vector] = (await this.model.opened.embed(input, { task: this.#task })).tolist();
        return new Embedding({ vector });
    }

    async dispose() {
        this.disposed = true;
    }
}

class LoadedModel {
    constructor(llama, opened) {
        this.llama = llama;
        this.opened = opened;
        this.embeddingVectorSize = opened.dimensions;
        this.trainContextSize = opened.contextLength;
    }

    // All contexts of a model share its threads and its memory. task: beyond node-llama-cpp, what the texts are for.
    async createEmbeddingContext({ task } = {}) {
        return new EmbeddingContext(this, task);
    }

    async dispose() {
        this.opened.close();
    }
}

class Llama {
    #threads;

    constructor(threads) {
        this.#threads = threads;
    }

    async loadModel({ modelPath }) {
        return new LoadedModel(this, await open(modelPath, { threads: this.#threads }));
    }

    async dispose() {}
}

// maxThreads: threads that compute; undefined or 0: as many CPUs as the process may use.
async function getLlama({ maxThreads } = {}) {
    return new Llama(maxThreads || undefined);
}

module.exports = { Embedding, getLlama };
