// What can go wrong.
"use strict";

function described(message, index, what) {
    return index === undefined ? message : `${what}[${index}]: ${message}`;
}

// An error of the library. code: "QUERN_EINVAL", "QUERN_ETOOLONG" or another code of quern.h. index: the text or row at
// fault; undefined if no single one is. what: the argument that index counts in.
class QuernError extends Error {
    constructor(message, code = "QUERN_EINVAL", index = undefined, what = "texts") {
        super(described(message, index, what));
        this.code = code;
        this.index = index;
    }
}
QuernError.prototype.name = "QuernError";

// A TypeError with the same fields, for arguments of a wrong type.
function typeError(message, index = undefined, what = "texts") {
    return Object.assign(new TypeError(described(message, index, what)), { code: "QUERN_EINVAL", index });
}

// What a value is, for messages.
function kindOf(value) {
    if (value === null)
        return "null";
    return Array.isArray(value) ? "an array" : typeof value;
}

module.exports = { QuernError, kindOf, typeError };
