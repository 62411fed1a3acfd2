// Options of calls, checked.
"use strict";
const addon = require("./addon.js");
const { QuernError, kindOf, typeError } = require("./errors.js");

// The arrays that hold vectors, by number format.
const ARRAYS = { f32: Float32Array, f16: Uint16Array, int8: Int8Array, binary: Uint8Array, "binary-low": Uint8Array };

// Refuses options that are no object or have a name that is not known.
function checkNames(options, known) {
    if (options === null || typeof options !== "object")
        throw typeError(`options must be an object, not ${kindOf(options)}`);
    for (const name of Object.keys(options))
        if (!known.includes(name))
            throw typeError(`there is no option '${name}'; there are ${known.join(", ")}`);
}

function wholeNumber(name, value, least, most) {
    if (typeof value !== "number")
        throw typeError(`${name} must be a number, not ${kindOf(value)}`);
    if (!Number.isInteger(value) || value < least || value > most)
        throw new QuernError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
    return value;
}

function flag(name, value, byDefault) {
    if (value === undefined)
        return byDefault;
    if (typeof value !== "boolean")
        throw typeError(`${name} must be true or false, not ${kindOf(value)}`);
    return value;
}

function checkSignal(signal) {
    if (signal !== undefined && typeof signal?.throwIfAborted !== "function")
        throw typeError(`signal must be an AbortSignal, not ${kindOf(signal)}`);
    return signal;
}

// Refuses a text that is no string of Unicode characters. index: undefined for a text that is no element of texts.
function checkText(what, text, index) {
    if (typeof text !== "string")
        throw typeError(`${what} must be a string, not ${kindOf(text)}`, index);
    const at = text.isWellFormed?.() ? -1 : text.search(/\p{Surrogate}/u); // Node.js 18 has no isWellFormed
    if (at >= 0)
        throw new QuernError(`${what} has a lone surrogate at character ${at}, which is no character of Unicode; ` +
            "text.toWellFormed() replaces it", "QUERN_EINVAL", index);
    return text;
}

// The number of a task; a word may be what a service of embeddings calls it: "passage", "STS".
function taskNumber(word) {
    if (word === undefined)
        return 0;
    if (typeof word !== "string")
        throw typeError(`task must be a string, not ${kindOf(word)}`);
    const task = addon.findTask(word);
    if (task >= 0)
        return task;
    const guess = addon.guessTask(word);
    throw new QuernError(`there is no task '${word}'${guess < 0 ? ": see model.prompts"
        : `; did you mean '${addon.tasks[guess]}'?`}`);
}

// What is put before texts instead of the model's prompt for a task; null: nothing else is. own: by task.
function promptOf(prompt, task, own) {
    return prompt === undefined ? own.get(task) ?? null : checkText("prompt", prompt);
}

// Prompts of one's own, {task: prompt}, by the number of their task.
function ownPrompts(prompts = {}) {
    if (prompts === null || typeof prompts !== "object")
        throw typeError(`prompts must be an object, not ${kindOf(prompts)}`);
    return new Map(Object.entries(prompts).map(([name, prompt]) =>
        [taskNumber(name), checkText(`prompts.${name}`, prompt)]));
}

function dtypeNumber(word) {
    if (typeof word !== "string")
        throw typeError(`dtype must be a string, not ${kindOf(word)}`);
    const dtype = addon.findDtype(word);
    if (dtype < 0)
        throw new QuernError(`dtype must be one of ${Object.keys(ARRAYS).join(", ")}, not '${word}'`);
    return dtype;
}

const EMBEDDING = ["task", "title", "prompt", "dimensions", "dtype", "normalize", "truncate", "signal"];

// The options of an embedding as the library takes them. most: dimensions of a full vector. own: prompts by task.
function embedding(options, most, own) {
    checkNames(options, EMBEDDING);
    const { task, title = "", prompt, dimensions = most, dtype = "f32", normalize, truncate, signal } = options;
    const number = taskNumber(task);
    const call = {
        task: number,
        title: checkText("title", title),
        prompt: promptOf(prompt, number, own),
        dimensions: wholeNumber("dimensions", dimensions, 1, most),
        dtype: dtypeNumber(dtype),
        kind: dtype,
        flags: (flag("normalize", normalize, true) ? 0 : addon.NO_NORMALIZE) |
            (flag("truncate", truncate, false) ? addon.TRUNCATE : 0),
        signal: checkSignal(signal),
    };
    call.rowBytes = addon.rowBytes(call.dtype, call.dimensions);
    if (call.rowBytes === 0)
        throw new QuernError(`dtype '${dtype}' needs a multiple of 8 dimensions, not ${dimensions}`);
    return call;
}

const OPENING = ["threads", "contextLength", "exact", "prompts"];

function threadsNumber(threads) {
    return threads === undefined ? 0 : wholeNumber("threads", threads, 1, addon.MOST_THREADS);
}

// The options of opening a model as the library takes them.
function opening(options) {
    checkNames(options, OPENING);
    const { threads, contextLength, exact, prompts } = options;
    return {
        threads: threadsNumber(threads),
        contextLength: contextLength === undefined ? 0 : wholeNumber("contextLength", contextLength, 1, 2 ** 31 - 1),
        exact: flag("exact", exact, false),
        prompts: ownPrompts(prompts),
    };
}

module.exports = {
    ARRAYS, checkNames, checkSignal, checkText, dtypeNumber, embedding, flag, opening, promptOf, taskNumber,
    threadsNumber, wholeNumber,
};
