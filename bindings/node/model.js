// Model: an open model file.
"use strict";
const addon = require("./addon.js");
const { Batches, endOfCall, timesOf } = require("./batches.js");
const { QuernError, kindOf, typeError } = require("./errors.js");
const { findModel, starter } = require("./files.js");
const { ARRAYS, checkNames, checkText, embedding, opening, promptOf, taskNumber } = require("./options.js");
const { work } = require("./works.js");

// Calls of the library that one request has under way: one runs, the next one waits for it.
const CALLS_UNDER_WAY = 2;

// Vectors of texts. data: numbers of all vectors, one after another; dims: [texts, numbers of each]; dtype: their
// format; tokens: that each vector was made of.
class Vectors {
    constructor(data, dims, dtype, tokens) {
        Object.assign(this, { data, dims, dtype, tokens });
    }

    // A typed array for each text, which is a part of data.
    *[Symbol.iterator]() {
        const [count, columns] = this.dims;
        for (let i = 0; i < count; i++)
            yield this.data.subarray(i * columns, (i + 1) * columns);
    }

    // An array of numbers for each text.
    tolist() {
        return Array.from(this, (vector) => Array.from(vector));
    }
}

function checkTexts(texts) {
    if (typeof texts === "string")
        texts = [texts];
    if (!Array.isArray(texts))
        throw typeError(`texts must be a string or an array of strings, not ${kindOf(texts)}`);
    for (let index = 0; index < texts.length; index++)
        checkText("the text", texts[index], index);
    return texts.slice(); // which nobody changes later
}

function bytesFor(count, rowBytes) {
    try {
        return new Uint8Array(count * rowBytes);
    } catch {
        throw new QuernError(`there is no memory for ${count} vectors of ${rowBytes} bytes: use stream`,
            "QUERN_ENOMEM");
    }
}

class Model {
    #handle;
    #ownPrompts; // by the numbers of tasks
    #times = 1; // how many times as many texts a call may have

    constructor(path, opened, ownPrompts) {
        if (typeof opened?.handle !== "object")
            throw typeError("a Model is made by open: await open(path)");
        const { handle, dimensions, contextLength, notice, kernels, prompts } = opened;
        this.#handle = handle;
        this.#ownPrompts = ownPrompts;
        for (const [task, prompt] of ownPrompts)
            prompts[addon.tasks[task]] = prompt;
        Object.assign(this, { path, dimensions, contextLength, notice, kernels, prompts });
        Object.freeze(this.prompts);
        Object.freeze(this);
    }

    async embed(texts, options = {}) {
        return this.#vectors(checkTexts(texts), this.#call(options), 0);
    }

    // Gives a vector for each text. Texts are read as they are needed.
    async *stream(texts, options = {}) {
        const call = this.#call(options);
        if (typeof texts === "string" || !(texts?.[Symbol.asyncIterator] ?? texts?.[Symbol.iterator]))
            throw typeError(`texts must be an iterable of strings, not ${kindOf(texts)}`);
        const source = new Batches(texts);
        let running = null;
        try {
            for (let first = 0; ;) {
                // Vectors that are ready are given while the source is waited for.
                const coming = source.next();
                coming.catch(() => {}); // is awaited below
                if (running !== null && await Promise.race([running, coming.then(() => null)]) !== null) {
                    yield* await running;
                    running = null;
                }
                const batch = await coming;
                const before = running;
                running = batch.length > 0 ? this.#vectorsOf(batch, call, first) : null;
                running?.catch(() => {}); // is awaited later
                if (before !== null)
                    yield* await before;
                if (running === null)
                    return;
                first += batch.length;
            }
        } finally {
            await source.end();
        }
    }

    // The ids of the tokens of a text, with its prompt and special tokens. Nothing is cut.
    async tokenize(text, options = {}) {
        checkNames(options, ["task", "prompt"]);
        const task = taskNumber(options.task);
        const prompt = promptOf(options.prompt, task, this.#ownPrompts);
        checkText("the text", text);
        return new Int32Array(await work((told) =>
            addon.tokenize(this.#handle, [text], "", prompt, task, 0, 0, 0, told)));
    }

    // The name of the space that vectors with these options belong to.
    space(options = {}) {
        const { task, prompt, dimensions, flags } = this.#call(options);
        const space = addon.space(this.#handle, task, dimensions, flags & addon.NO_NORMALIZE, prompt);
        if (typeof space !== "string")
            throw new QuernError(space.text, space.code);
        return space;
    }

    // Gives the memory back. What is computed at the moment is finished, and what waits is refused.
    close() {
        addon.close(this.#handle);
    }

    #call(options) {
        return embedding(options, this.dimensions, this.#ownPrompts);
    }

    async #vectorsOf(texts, call, first) {
        texts.forEach((text, index) => checkText("the text", text, first + index));
        return this.#vectors(texts, call, first);
    }

    async #vectors(texts, call, first) {
        const bytes = bytesFor(texts.length, call.rowBytes);
        const tokens = new Uint32Array(texts.length);
        const running = [];
        for (let begin = 0, end; begin < texts.length; begin = end) {
            if (running.length === CALLS_UNDER_WAY)
                await running.shift();
            call.signal?.throwIfAborted();
            end = endOfCall(texts, begin, this.#times);
            const part = this.#part(texts.slice(begin, end), call, first + begin, bytes, tokens, begin);
            part.catch(() => {}); // is awaited later, in order
            running.push(part);
        }
        for (const part of running)
            await part;
        const data = new ARRAYS[call.kind](bytes.buffer);
        const columns = call.rowBytes / data.BYTES_PER_ELEMENT;
        return new Vectors(data, [texts.length, columns], call.kind, tokens);
    }

    // One call of the library, whose vectors are written to the rows from `begin` on.
    async #part(texts, call, first, bytes, tokens, begin) {
        const { title, prompt, task, dimensions, flags, dtype } = call;
        const seconds = await work((told) => addon.embed(this.#handle, texts, title, prompt, task, dimensions, flags,
            dtype, bytes, tokens, begin, told), first);
        this.#times = timesOf(texts.length, seconds);
    }
}
Model.prototype[Symbol.dispose ?? Symbol.for("Symbol.dispose")] = Model.prototype.close;

async function open(model, options = {}) {
    const { threads, contextLength, exact, prompts } = opening(options);
    const path = findModel(model);
    const opened = await work((told) => addon.open(path, threads, contextLength, exact, told));
    if (opened.notice !== null)
        process.emitWarning(opened.notice, "QuernWarning");
    if (model === undefined && path === starter())
        process.emitWarning("this is the starter model, which is for trials and demonstrations; for real work " +
            "pull('embeddinggemma') downloads EmbeddingGemma", "QuernWarning");
    return new Model(path, opened, prompts);
}

module.exports = { Model, Vectors, open };
