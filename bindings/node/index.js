// quern: text in, vectors out, on any CPU.
"use strict";
const addon = require("./addon.js");
const { QuernError } = require("./errors.js");
const { Model, open } = require("./model.js");

const version = addon.version;
module.exports = { Model, QuernError, open, version };
