// Rows of an index on their way to the addon: ids, payloads and vectors.
"use strict";
const { QuernError, kindOf, typeError } = require("./errors.js");

const MOST_NAME = 4096; // bytes of an id
const MOST_NUMBER = 2n ** 64n - 1n;
const encoder = new TextEncoder();

function bytesOfText(what, text, index, argument) {
    const at = text.search(/\p{Surrogate}/u);
    if (at >= 0)
        throw new QuernError(`${what} has a lone surrogate at character ${at}, which is no character of Unicode`,
            "QUERN_EINVAL", index, argument);
    return encoder.encode(text);
}

function nameBytes(name, index, argument) {
    if (typeof name !== "string")
        throw typeError(`the id must be a string, as the index has them, not ${kindOf(name)}`, index, argument);
    const bytes = bytesOfText("the id", name, index, argument);
    if (bytes.length < 1 || bytes.length > MOST_NAME)
        throw new QuernError(`the id must have 1 to ${MOST_NAME} bytes, not ${bytes.length}`, "QUERN_EINVAL", index,
            argument);
    return bytes;
}

function number64(number, index, argument) {
    if (typeof number !== "number" && typeof number !== "bigint")
        throw typeError(`the id must be a number or bigint, as the index has them, not ${kindOf(number)}`, index,
            argument);
    if (typeof number === "number" ? !Number.isSafeInteger(number) || number < 0 : number < 0n || number > MOST_NUMBER)
        throw new QuernError(`the id must be a whole number from 0 to 2^64 - 1, and a bigint above 2^53, not ${number}`,
            "QUERN_EINVAL", index, argument);
    return BigInt(number);
}

function payloadBytes(payload, index) {
    if (payload === null || payload === undefined)
        return new Uint8Array(0);
    if (typeof payload === "string")
        return bytesOfText("the payload", payload, index, "payloads");
    if (payload instanceof Uint8Array)
        return payload;
    throw typeError(`a payload must be a string, a Uint8Array or null, not ${kindOf(payload)}`, index, "payloads");
}

// Byte arrays one after another, and their lengths.
function joined(arrays) {
    const lengths = Uint32Array.from(arrays, (bytes) => bytes.length);
    const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const [i, bytes] of arrays.entries()) {
        all.set(bytes.subarray(0, lengths[i]), at);
        at += lengths[i];
    }
    return [all, lengths];
}

// What the addon takes for the rows [first, end): numbers, names, nameLengths, payloads, payloadLengths. payloads: null
// for none; argument: which of the call has the ids.
function packedRows(ids, payloads, named, first, end, argument = "ids") {
    const own = ids.slice(first, end);
    const [texts, textLengths] = payloads === null ? [null, null]
        : joined(payloads.slice(first, end).map((payload, i) => payloadBytes(payload, first + i)));
    if (!named)
        return [BigUint64Array.from(own, (id, i) => number64(id, first + i, argument)), null, null, texts, textLengths];
    return [null, ...joined(own.map((id, i) => nameBytes(id, first + i, argument))), texts, textLengths];
}

// An iterable as an array that nobody changes.
function listOf(what, values) {
    if (values === null || typeof values !== "object" || typeof values[Symbol.iterator] !== "function")
        throw typeError(`${what} must be an iterable, not ${kindOf(values)}`);
    return Array.from(values);
}

function isFloats(row) {
    return row instanceof Float32Array || row instanceof Float64Array;
}

function checkRow(row, index) {
    if (isFloats(row))
        return row;
    const at = Array.isArray(row) ? row.findIndex((number) => typeof number !== "number") : 0;
    if (!Array.isArray(row) || at >= 0)
        throw typeError("a vector must be a Float32Array or an array of numbers, not " +
            (Array.isArray(row) ? `one with ${kindOf(row[at])} in it` : kindOf(row)), index, "vectors");
    return row;
}

// Vectors in one Float32Array: {data, count, dimensions, isSingle}. vectors: what Model.embed gives, or another object
// {data, dims}, which is not copied; a Float32Array or an array of numbers, which is a single vector; an array of such.
function matrixOf(vectors) {
    if (vectors?.data instanceof Float32Array && Array.isArray(vectors.dims)) {
        const { data, dims: [count, dimensions] } = vectors;
        if (!Number.isSafeInteger(count) || !Number.isSafeInteger(dimensions) || count < 0 || dimensions < 0 ||
            count * dimensions !== data.length)
            throw new QuernError(`data has ${data.length} numbers, and dims are [${vectors.dims}]`);
        return { data, count, dimensions, isSingle: false };
    }
    if (Array.isArray(vectors) && typeof vectors[0] === "number")
        vectors = Float64Array.from(checkRow(vectors, 0));
    if (isFloats(vectors))
        return { data: new Float32Array(vectors), count: 1, dimensions: vectors.length, isSingle: true };
    if (!Array.isArray(vectors))
        throw typeError("texts or vectors are needed: strings, Float32Arrays, or {data: Float32Array, dims}; not " +
            kindOf(vectors));
    const rows = Array.from(vectors, checkRow);
    const dimensions = rows.length > 0 ? rows[0].length : 0;
    const data = new Float32Array(rows.length * dimensions);
    for (const [i, row] of rows.entries()) {
        if (row.length !== dimensions)
            throw new QuernError(`the vector has ${row.length} numbers, and the first one ${dimensions}`,
                "QUERN_EINVAL", i, "vectors");
        data.set(row, i * dimensions);
    }
    return { data, count: rows.length, dimensions, isSingle: false };
}

// Refuses vectors whose memory was transferred to another thread, or became smaller, since the call began.
function checkStay(data, rows, dimensions) {
    if (data.length < rows * dimensions)
        throw new QuernError("the vectors were taken away during the call");
}

module.exports = { checkStay, listOf, matrixOf, packedRows };
