// A model for each process, where a framework makes many objects that use it.
"use strict";
const { checkNames } = require("./options.js");
const { open } = require("./model.js");

const models = new Map();

// The promise of the model of these options, which is opened at the first call.
function sharedModel(model, threads) {
    const key = JSON.stringify([model, threads]);
    if (!models.has(key)) {
        const opened = open(model ?? undefined, threads === undefined || threads === null ? {} : { threads });
        opened.catch(() => models.delete(key)); // the next call tries again
        models.set(key, opened);
    }
    return models.get(key);
}

const SETTINGS = ["model", "threads", "dimensions", "truncate"];

// What the classes for frameworks are made of: a model that is opened at the first call, and options of each call.
class LazyModel {
    constructor(settings = {}, more = []) {
        checkNames(settings, [...SETTINGS, ...more]);
        this.settings = settings;
    }

    async embed(texts, options = {}) {
        const { model, threads, dimensions, truncate } = this.settings;
        const opened = await sharedModel(model, threads);
        const own = { dimensions: dimensions ?? undefined, truncate: truncate ?? undefined };
        return opened.embed(texts, { ...own, ...options });
    }

    async lists(texts, task) {
        return (await this.embed(texts, { task })).tolist();
    }
}

module.exports = { LazyModel };
