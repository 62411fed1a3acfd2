// Which model file is meant. The rules, the cache folder and the published names are those of the command quern.
"use strict";
const fs = require("fs");
const os = require("os");
const path = require("path");
const { fileURLToPath } = require("url");
const addon = require("./addon.js");
const { QuernError, kindOf, typeError } = require("./errors.js");

const STARTER = "starter"; // the name of the small model in this package

function cacheFolder() {
    const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
    const cache = XDG_CACHE_HOME ?? (process.platform === "win32" ? LOCALAPPDATA : undefined) ?? "";
    return path.join(path.isAbsolute(cache) ? cache : path.join(os.homedir(), ".cache"), "quern");
}

// The published model files that have a name, as `quern pull --list --json` prints them. The first is the default.
function catalog() {
    return JSON.parse(fs.readFileSync(path.join(addon.folder, "catalog.json"), "utf8"));
}

function cachedFile(published) {
    return path.join(cacheFolder(), path.basename(published.origin));
}

// Whether a path leads to a regular file that begins as a GGUF file does.
function isModel(file) {
    try {
        if (!fs.statSync(file).isFile())
            return false;
        const start = Buffer.alloc(4);
        const descriptor = fs.openSync(file, "r");
        try {
            return fs.readSync(descriptor, start) === 4 && start.toString("latin1") === "GGUF";
        } finally {
            fs.closeSync(descriptor);
        }
    } catch {
        return false;
    }
}

// The model of the cache that is used when none is named: the default one, else the first by name.
function cachedDefault() {
    const folder = cacheFolder();
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(".gguf")) : [];
    names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const files = [...catalog().slice(0, 1).map(cachedFile), ...names.map((name) => path.join(folder, name))];
    return files.find(isModel);
}

function starter() {
    return path.join(addon.folder, "starter.gguf");
}

// The published model of a name, or of the repository of its publisher; undefined: there is none.
function publishedModel(name) {
    return catalog().find((one) => one.name === name) ?? catalog().find((one) => one.model === name);
}

// The end of a message: the published model that a name without the right publisher means, if there is one.
function meant(name) {
    const last = (path) => path.split("/").at(-1).toLowerCase();
    const one = catalog().find(({ model }) => last(model) === last(name));
    return one === undefined ? "" : `, such as '${one.name}' for ${one.model}`;
}

function isFile(file) {
    return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

// The path of a model file: of the one that is named, else of $QUERN_MODEL, else of the cache folder, else of the
// starter model.
function findModel(model) {
    model ??= process.env.QUERN_MODEL || cachedDefault() || STARTER;
    if (model instanceof URL)
        model = fileURLToPath(model);
    if (typeof model !== "string")
        throw typeError(`model must be a path, a file: URL or a published name, not ${kindOf(model)}`);
    if (model.includes("\0"))
        throw new QuernError("the path of a model cannot have a NUL");
    if (fs.existsSync(model))
        return path.resolve(model);
    if (model === STARTER)
        return starter();
    const published = publishedModel(model);
    if (published === undefined)
        throw new QuernError(`there is no file or model '${model}': give the path of a GGUF file, or a name for pull` +
            meant(model), "QUERN_EIO");
    const file = cachedFile(published);
    if (!fs.existsSync(file))
        throw new QuernError(`${model} is not there yet: pull('${published.name}') downloads it`, "QUERN_EIO");
    return file;
}

module.exports = { cachedFile, catalog, findModel, isFile, publishedModel, starter };
