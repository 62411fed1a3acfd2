// What can go wrong.
"use strict";

function described(message, index) {
    return index === undefined ? message : `texts[${index}]: ${message}`;
}

// An error of the library. code: "QUERN_EINVAL", "QUERN_ETOOLONG" or another code of quern.h. index: the text at fault;
// undefined if no single text is.
class QuernError extends Error {
    constructor(message, code = "QUERN_EINVAL", index = undefined) {
        super(described(message, index));
        this.code = code;
        this.index = index;
    }
}
QuernError.prototype.name = "QuernError";

// A TypeError with the same fields, for arguments of a wrong type.
function typeError(message, index = undefined) {
    return Object.assign(new TypeError(described(message, index)), { code: "QUERN_EINVAL", index });
}

// What a value is, for messages.
function kindOf(value) {
    if (value === null)
        return "null";
    return Array.isArray(value) ? "an array" : typeof value;
}

module.exports = { QuernError, kindOf, typeError };
