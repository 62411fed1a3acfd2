// quern as an embedding model of the AI SDK (package ai), version 3 of its interface.
"use strict";
const { LazyModel } = require("./lazy_model.js");

function quern(model, settings = {}) {
    const lazy = new LazyModel({ ...settings, model }, ["task"]);
    return {
        specificationVersion: "v3",
        provider: "quern",
        modelId: model ?? "default",
        maxEmbeddingsPerCall: Infinity,
        supportsParallelCalls: true,
        async doEmbed({ values, abortSignal, providerOptions }) {
            const vectors = await lazy.embed(values, { task: settings.task, ...providerOptions?.quern,
                signal: abortSignal ?? undefined });
            const tokens = vectors.tokens.reduce((sum, count) => sum + count, 0);
            return { embeddings: vectors.tolist(), usage: { tokens }, warnings: [] };
        },
    };
}

module.exports = { quern };
