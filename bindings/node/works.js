// Work of the library in another thread.
"use strict";
const { QuernError } = require("./errors.js");

// Calls a function of the addon that works in another thread. first: the position of its first text or row; what: the
// argument that has them.
function work(start, first = 0, what = "texts") {
    return new Promise((resolve, reject) => start((error, result) => {
        if (error === null)
            resolve(result);
        else if (error instanceof Error) // of Node.js, such as one that says that there is no memory
            reject(error);
        else if (error.index === null)
            reject(new QuernError(error.text, error.code));
        else
            reject(new QuernError(error.text, error.code, first + error.index, what));
    }));
}

module.exports = { work };
