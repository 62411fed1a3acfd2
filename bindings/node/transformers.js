// pipeline("feature-extraction") in the shape that transformers.js has (package @huggingface/transformers).
"use strict";
const { QuernError } = require("./errors.js");
const { open } = require("./model.js");

// What transformers.js calls a tensor, as far as a matrix of vectors needs it.
class Tensor {
    constructor(type, data, dims) {
        Object.assign(this, { type, data, dims, size: data.length });
    }

    *[Symbol.iterator]() {
        const [rows, columns] = this.dims;
        for (let i = 0; i < rows; i++)
            yield new Tensor(this.type, this.data.subarray(i * columns, (i + 1) * columns), [columns]);
    }

    tolist() {
        return this.dims.length === 1 ? Array.from(this.data) : Array.from(this, (row) => row.tolist());
    }

    dispose() {}
}

// Bits, the first in the highest bit of its byte. In the format "binary" 128 is subtracted from each byte.
function packed(vectors, precision) {
    if (precision === "ubinary")
        return new Tensor("uint8", vectors.data, vectors.dims);
    return new Tensor("int8", Int8Array.from(vectors.data, (byte) => byte - 128), vectors.dims);
}

function checkPooling(pooling) {
    if (pooling === undefined || pooling === "none")
        throw new QuernError("pooling must be 'mean' or another one: quern has vectors of texts, not of tokens, and " +
            "pools as the model's file says");
}

// settings: threads, contextLength and exact of open; the others that transformers.js has (dtype, device,
// progress_callback) say how its own models are loaded, and are not needed.
async function pipeline(task, model, { threads, contextLength, exact } = {}) {
    if (task !== "feature-extraction")
        throw new QuernError(`the task must be 'feature-extraction', not '${task}'`);
    const opened = await open(model, { threads, contextLength, exact });

    async function extract(texts, options = {}) {
        const { pooling, normalize = false, quantize = false, precision = "binary", ...more } = options;
        checkPooling(pooling);
        if (precision !== "binary" && precision !== "ubinary")
            throw new QuernError(`precision must be 'binary' or 'ubinary', not '${precision}'`);
        const dtype = quantize ? "binary" : "f32";
        const vectors = await opened.embed(texts, { truncate: true, ...more, normalize, dtype });
        return quantize ? packed(vectors, precision) : new Tensor("float32", vectors.data, vectors.dims);
    }
    return Object.assign(extract, { task, model: opened, dispose: async () => opened.close() });
}

module.exports = { Tensor, pipeline };
