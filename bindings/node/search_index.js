// Index: vectors in a file, found again by exact search.
"use strict";
const path = require("path");
const { fileURLToPath } = require("url");
const addon = require("./addon.js");
const { QuernError, kindOf, typeError } = require("./errors.js");
const { checkStay, listOf, matrixOf, packedRows } = require("./index_rows.js");
const { Model } = require("./model.js");
const { checkNames, checkText, dtypeNumber, flag, threadsNumber, wholeNumber } = require("./options.js");
const { work } = require("./works.js");

// A call of the library has so many queries, or rows, at most.
const CALL_QUERIES = 64;
const CALL_ROWS = 1024;
const decoder = new TextDecoder();

// A row without its vector.
class Row {
    constructor(id, payload) {
        Object.assign(this, { id, payload });
    }

    // The payload as a text.
    get text() {
        return decoder.decode(this.payload);
    }
}

// A row that was found.
class Hit extends Row {
    constructor(id, score, payload) {
        super(id, payload);
        this.score = score;
    }
}

// One state of the file: it is open as long as it is the newest, or a search uses it.
class State {
    users = 1;
    isNewest = true;
    #tell;

    // closed: a promise that this one, and those before it, are closed.
    constructor({ handle, ...info }, before) {
        this.closed = new Promise((done) => { this.#tell = done; }).then(() => before?.closed);
        this.handle = handle;
        this.info = Object.freeze({ ...info, bits: info.bits === 1 });
    }

    leave() {
        if (--this.users > 0)
            return;
        addon.close(this.handle);
        this.#tell();
    }

    // It is not the newest any more. May be called again.
    retire() {
        if (!this.isNewest)
            return;
        this.isNewest = false;
        this.leave();
    }
}

async function openState(file, threads, before = null) {
    return new State(await work((told) => addon.openIndex(file, threads, told)), before);
}

function pathOf(file) {
    if (file instanceof URL)
        file = fileURLToPath(file);
    if (typeof file !== "string")
        throw typeError(`path must be a string or a file: URL, not ${kindOf(file)}`);
    if (file.includes("\0"))
        throw new QuernError("the path of an index cannot have a NUL");
    const resolved = path.resolve(file);
    if (Buffer.byteLength(resolved) > 4096)
        throw new QuernError("the path of an index has 4096 bytes at most");
    return resolved;
}

function checkModel(model) {
    if (model !== undefined && !(model instanceof Model))
        throw typeError(`model must be a Model that open has opened, not ${kindOf(model)}`);
    return model;
}

function checkSpace(space) {
    if (checkText("space", space).includes("\0") || Buffer.byteLength(space) > 63)
        throw new QuernError("the name of a space has 63 bytes at most, and no NUL");
    return space;
}

function isTexts(inputs) {
    return typeof inputs === "string" || (Array.isArray(inputs) && typeof inputs[0] === "string");
}

function needed(model) {
    if (model === undefined)
        throw new QuernError("texts need a model: give one with the option model, or give vectors");
    return model;
}

// The rows of a call that adds some: texts, or vectors in memory. part(first, end) gives a matrix that has these rows,
// and the first of them in it.
function sourceOf(inputs, model, dimensions) {
    if (typeof inputs === "string")
        throw typeError("an array of texts is needed, not a string");
    const isEmpty = Array.isArray(inputs) && inputs.length === 0 && model !== undefined;
    if (!isEmpty && !isTexts(inputs)) {
        const matrix = matrixOf(inputs);
        if (matrix.isSingle)
            throw new QuernError("an array of vectors is needed, not one vector");
        return { ...matrix, texts: null, space: "", part: (first) => [matrix.data, first] };
    }
    const texts = inputs.slice(), options = { task: "document", dimensions: dimensions ?? model?.dimensions };
    const space = needed(model).space(options), columns = options.dimensions;
    const vectors = model.stream(texts, options);
    return {
        texts, space, count: texts.length, dimensions: columns,
        part: async (first, end) => {
            const data = new Float32Array((end - first) * columns);
            for (let row = first; row < end; row++)
                data.set((await vectors.next()).value, (row - first) * columns);
            return [data, 0];
        },
    };
}

function checkCount(what, list, count) {
    if (list !== null && list.length !== count)
        throw new QuernError(`there are ${count} rows and ${list.length} ${what}`);
}

// Adds all rows, and commits.
async function addAll(writer, source, ids, payloads, named) {
    checkCount("ids", ids, source.count);
    checkCount("payloads", payloads, source.count);
    for (let first = 0; first < source.count; first += CALL_ROWS) {
        const end = Math.min(first + CALL_ROWS, source.count);
        const rows = packedRows(ids, payloads, named, first, end);
        const [data, begin] = await source.part(first, end);
        checkStay(data, begin + end - first, source.dimensions);
        await work((told) => addon.addRows(writer, data, begin, ...rows, told), first, "vectors");
    }
    await work((told) => addon.commit(writer, told));
}

function openWriter({ file, creates, threads, dimensions, named, space = "", dtype = 0, bits = false }) {
    return work((told) => addon.writeIndex(file, creates, threads, dimensions, named, space, dtype, bits, told));
}

// Changes a file with a writer, which is closed if that fails: what was not committed is forgotten.
async function changeWith(writer, change) {
    try {
        return await change(writer);
    } catch (error) {
        addon.close(writer);
        throw error;
    }
}

// The ids and payloads of rows, from what the addon gives.
function* rowsOf(found, named) {
    const numbers = new BigUint64Array(found.numbers);
    const nameLengths = new Uint32Array(found.nameLengths), payloadLengths = new Uint32Array(found.payloadLengths);
    let name = 0, payload = 0;
    for (let row = 0; row < numbers.length; row++) {
        const bytes = new Uint8Array(found.names, name, nameLengths[row]);
        const small = numbers[row] <= Number.MAX_SAFE_INTEGER ? Number(numbers[row]) : numbers[row];
        yield [named ? decoder.decode(bytes) : small, new Uint8Array(found.payloads, payload, payloadLengths[row])];
        name += nameLengths[row];
        payload += payloadLengths[row];
    }
}

async function gathered(source) {
    const all = [];
    for await (const one of source)
        all.push(one);
    return all;
}

// The hits of each query, from what the addon gives.
function hitsOf(found, named) {
    const counts = new Uint32Array(found.counts), scored = new Float64Array(found.scored);
    const certified = new Uint8Array(found.certified), scores = new Float64Array(found.scores);
    const hits = Array.from(rowsOf(found, named), ([id, payload], i) => new Hit(id, scores[i], payload));
    let end = 0;
    return Array.from(counts, (count, i) => Object.assign(hits.slice(end, end += count),
        { certified: certified[i] === 1, scored: scored[i] }));
}

// The rows that may be read or found, and whether only these may be.
function onlyOf(values, info) {
    const only = values === undefined ? null : listOf("only", values);
    return { only: only !== null, rows: packedRows(only ?? [], null, info.ids === "names", 0, only?.length, "only") };
}

const SEARCHING = ["k", "only", "least", "space", "oversampling"];

// The options of a search as the addon takes them. only: whether rows are those that may be found.
function searching(options, info) {
    checkNames(options, SEARCHING);
    const { k = 10, least = null, oversampling = 0 } = options;
    wholeNumber("k", k, 1, addon.MOST_HITS);
    wholeNumber("oversampling", oversampling, 0, Math.floor(addon.MOST_HITS / k));
    if (least !== null && typeof least !== "number")
        throw typeError(`least must be a number, not ${kindOf(least)}`);
    return { k, least, oversampling, ...onlyOf(options.only, info) };
}

const BUILDING = ["ids", "payloads", "model", "space", "dimensions", "dtype", "bits", "threads"];

class Index {
    #state; // null: closed
    #threads;
    #model;
    #changing = Promise.resolve(); // the change that ends last
    #resting = null; // the writer of the last change; a new one reads the ids of all rows

    constructor(file, state, threads, model) {
        if (!(state instanceof State))
            throw typeError("an Index is made by Index.open or Index.build: await Index.open(path)");
        this.path = file;
        this.#state = state;
        this.#threads = threads;
        this.#model = model;
        Object.freeze(this);
    }

    static async open(file, options = {}) {
        checkNames(options, ["model", "threads"]);
        const model = checkModel(options.model), threads = threadsNumber(options.threads);
        const resolved = pathOf(file);
        return new Index(resolved, await openState(resolved, threads), threads, model);
    }

    static async build(file, inputs, options = {}) {
        checkNames(options, BUILDING);
        const { dtype = "f32", payloads = null } = options;
        const model = checkModel(options.model), threads = threadsNumber(options.threads);
        const bits = flag("bits", options.bits, false), number = dtypeNumber(dtype);
        const resolved = pathOf(file);
        const source = sourceOf(inputs, model, options.dimensions);
        const space = checkSpace(options.space ?? source.space);
        const ids = options.ids === undefined ? Array.from({ length: source.count }, (_, i) => i)
            : listOf("ids", options.ids);
        if (source.dimensions === 0)
            throw new QuernError("texts or vectors are needed, so that the dimensions of the index are known");
        const named = typeof ids[0] === "string";
        const texts = payloads === null ? source.texts : listOf("payloads", payloads);
        const writer = await openWriter({ file: resolved, creates: true, threads, dimensions: source.dimensions, named,
            space, dtype: number, bits });
        await changeWith(writer, () => addAll(writer, source, ids, texts, named));
        addon.close(writer);
        return new Index(resolved, await openState(resolved, threads), threads, model);
    }

    get info() {
        return this.#current().info;
    }

    // Opens the file again, so that changes of other programs are seen.
    async refresh() {
        this.#current();
        const state = await openState(this.path, this.#threads, this.#state);
        if (this.#state === null) {
            state.retire();
            throw new QuernError("the index was closed");
        }
        this.#state.retire();
        this.#state = state;
    }

    // Gives all rows of the index, or those with the ids in `only`.
    async *rows(options = {}) {
        checkNames(options, ["only"]);
        if (process.platform === "win32")
            yield* await gathered(this.#read(options)); // compact must not wait for who reads rows
        else
            yield* this.#read(options);
    }

    async *#read(options) {
        if (!this.#current().isNewest)
            await this.#changing;
        const state = this.#hold();
        try {
            const { only, rows } = onlyOf(options.only, state.info);
            for (let place = 0; place >= 0;) {
                const start = place;
                const found = await work((told) => addon.readRows(state.handle, start, only, ...rows, told));
                for (const [id, payload] of rowsOf(found, state.info.ids === "names"))
                    yield new Row(id, payload);
                place = found.next;
            }
        } finally {
            state.leave();
        }
    }

    // Compares the file with its checksums.
    async check() {
        await this.#using((state) => work((told) => addon.checkIndex(state.handle, told)));
    }

    async search(inputs, options = {}) {
        return this.#using(async (state) => {
            const { info, handle } = state;
            const { k, least, oversampling, only, rows } = searching(options, info);
            const { data, count, isSingle, own } = await this.#queries(inputs, info);
            const space = checkSpace(options.space ?? own), what = isTexts(inputs) ? "texts" : "vectors";
            const found = [];
            for (let first = 0; first < count; first += CALL_QUERIES) {
                const queries = Math.min(CALL_QUERIES, count - first);
                checkStay(data, first + queries, info.dimensions);
                const part = await work((told) => addon.search(handle, data, first, queries, k, least, space,
                    oversampling, only, ...rows, told), first, what);
                found.push(...hitsOf(part, info.ids === "names"));
            }
            return isSingle ? found[0] : found;
        });
    }

    async add(inputs, options) {
        checkNames(options ?? {}, ["ids", "payloads"]);
        const { info } = this.#current();
        const ids = listOf("ids", options?.ids);
        const source = sourceOf(inputs, this.#model, isTexts(inputs) ? info.dimensions : undefined);
        const texts = (options.payloads ?? null) === null ? source.texts : listOf("payloads", options.payloads);
        this.#checkDimensions(source, info);
        if (source.space !== "" && info.space !== "" && source.space !== info.space)
            throw new QuernError(`the model gives vectors of the space ${source.space}, and the index has those of ` +
                `${info.space}: vectors of different spaces cannot be compared`);
        await this.#change(info, (writer, named) => addAll(writer, source, ids, texts, named));
    }

    async remove(ids) {
        const listed = listOf("ids", ids);
        return this.#change(this.#current().info, async (writer, named) => {
            let removed = 0;
            for (let first = 0; first < listed.length; first += CALL_ROWS) {
                const rows = packedRows(listed, null, named, first, Math.min(first + CALL_ROWS, listed.length));
                removed += await work((told) => addon.removeRows(writer, ...rows, told), first, "ids");
            }
            await work((told) => addon.commit(writer, told));
            return removed;
        });
    }

    async compact() {
        this.#current();
        return this.#inTurn(async () => {
            await this.#makeReplaceable();
            try {
                await work((told) => addon.compactIndex(this.path, told));
            } catch (error) {
                await this.refresh();
                throw error;
            }
        });
    }

    // Gives the memory back. Searches that run are finished.
    close() {
        this.#state?.retire();
        this.#state = null;
        this.#rest(null);
    }

    #current() {
        if (this.#state === null)
            throw new QuernError("the index was closed");
        return this.#state;
    }

    // Windows replaces no file that is open: searches that run are finished, and others wait for the next state.
    async #makeReplaceable() {
        if (process.platform !== "win32")
            return;
        const state = this.#current();
        state.retire();
        await state.closed;
    }

    // The newest state, which stays open until its leave is called.
    #hold() {
        const state = this.#current();
        state.users++;
        return state;
    }

    // Calls a function with the newest state, which stays open for it.
    async #using(call) {
        if (!this.#current().isNewest)
            await this.#changing;
        const state = this.#hold();
        try {
            return await call(state);
        } finally {
            state.leave();
        }
    }

    #checkDimensions({ count, dimensions }, info) {
        if (count > 0 && dimensions !== info.dimensions)
            throw new QuernError(`the vectors have ${dimensions} dimensions, and the index ${info.dimensions}`);
    }

    async #queries(inputs, info) {
        if (!isTexts(inputs)) {
            const matrix = matrixOf(inputs);
            this.#checkDimensions(matrix, info);
            return { ...matrix, own: "" };
        }
        const options = { task: "query", dimensions: info.dimensions };
        const own = needed(this.#model).space(options);
        const { data, dims: [count] } = await this.#model.embed(inputs, options);
        return { data, count, isSingle: typeof inputs === "string", own };
    }

    // Changes take turns, and the index is opened again after each.
    #inTurn(change) {
        const turn = this.#changing.then(async () => {
            const result = await change();
            await this.refresh();
            return result;
        });
        this.#changing = turn.catch(() => {});
        return turn;
    }

    // Keeps a writer for the next change, in place of the one before.
    #rest(writer) {
        if (this.#resting !== null)
            addon.close(this.#resting);
        this.#resting = writer;
    }

    // The writer of the last change, if the file is still as it has left it, or a new one.
    async #writer(info, named) {
        const writer = this.#resting;
        this.#resting = null;
        if (writer !== null)
            try {
                await work((told) => addon.resume(writer, told));
                return writer;
            } catch {
                addon.close(writer);
            }
        return openWriter({ file: this.path, creates: false, threads: this.#threads, dimensions: info.dimensions,
            named });
    }

    #change(info, change) {
        return this.#inTurn(async () => {
            const named = info.ids === "names", writer = await this.#writer(info, named);
            const result = await changeWith(writer, () => change(writer, named));
            this.#rest(writer);
            if (this.#state === null)
                this.#rest(null);
            return result;
        });
    }
}
Index.prototype[Symbol.dispose ?? Symbol.for("Symbol.dispose")] = Index.prototype.close;

module.exports = { Index };
