// quern: text in, vectors out, on any CPU.
"use strict";
const addon = require("./addon.js");
const { QuernError } = require("./errors.js");
const { Model, open } = require("./model.js");
const { pull } = require("./pull.js");
const { Index } = require("./search_index.js");

const version = addon.version;
module.exports = { Index, Model, QuernError, open, pull, version };
