// pull: downloads a published model, as the command `quern pull` does, into the same folder.
"use strict";
const { createHash, randomBytes } = require("crypto");
const fs = require("fs/promises");
const path = require("path");
const { QuernError, kindOf, typeError } = require("./errors.js");
const { cachedFile, catalog, isFile, publishedModel } = require("./files.js");
const { checkNames, checkSignal } = require("./options.js");

const HUB = "https://huggingface.co";
const SILENCE = 30000; // milliseconds that the network may be silent
const MOST_REDIRECTS = 5;

// Whether a URL may be requested: https, or http to this machine.
function isSafe({ protocol, hostname }) {
    return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname));
}

function urlOf({ origin, revision }) {
    const hub = (process.env.QUERN_HUB_URL || process.env.HF_ENDPOINT || HUB).replace(/\/+$/, "");
    const [owner, repository, ...file] = origin.slice("hf:".length).split("/");
    try {
        const url = new URL(`${hub}/${owner}/${repository}/resolve/${revision ?? "main"}/${file.join("/")}`);
        if (isSafe(url))
            return url;
    } catch {} // it is no URL
    throw new QuernError(`the hub must be an https URL (or http to this machine), not '${hub}'`);
}

function tokenOfHub() {
    const token = process.env.HF_TOKEN ?? "";
    if (!/^[!-~]*$/.test(token))
        throw new QuernError("HF_TOKEN does not hold a token");
    return token;
}

// A download that runs.
class Download {
    #name;
    #controller = new AbortController();
    #late = setTimeout(() => this.#controller.abort(this.failed("the network is silent")), SILENCE);
    #given; // the signal of the caller
    #stop = () => this.#controller.abort(this.#given.reason);

    constructor(name, given) {
        this.#name = name;
        this.#given = given;
        given?.addEventListener("abort", this.#stop);
    }

    end() {
        clearTimeout(this.#late);
        this.#given?.removeEventListener("abort", this.#stop);
    }

    failed(message) {
        return new QuernError(`cannot download ${this.#name}: ${message}`, "QUERN_EIO");
    }

    // What a promise of Node.js gives, such as one of the network or of a file.
    async of(promise) {
        try {
            const result = await promise;
            this.#late.refresh();
            return result;
        } catch (error) {
            throw this.#controller.signal.aborted ? this.#controller.signal.reason
                : this.failed(error.cause?.message ?? error.message);
        }
    }

    // The response with the file, and the digest that the hub tells. The token is for the hub only.
    async request(first, token) {
        let url = first, linked = "";
        for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
            const headers = { "accept-encoding": "identity" };
            if (token !== "" && url.origin === first.origin)
                headers.authorization = `Bearer ${token}`;
            const { signal } = this.#controller;
            const response = await this.of(fetch(url, { headers, redirect: "manual", signal }));
            const location = response.headers.get("location");
            if (response.status < 300 || response.status >= 400 || location === null || !URL.canParse(location, url))
                return { response, linked };
            await this.of(response.body?.cancel());
            linked ||= (response.headers.get("x-linked-etag") ?? "").replaceAll('"', "");
            const next = new URL(location, url);
            if (!isSafe(next) || (url.protocol === "https:" && next.protocol !== "https:"))
                throw this.failed(`the hub leads to ${next}, which is not https`);
            url = next;
        }
        throw this.failed("the hub redirects without end");
    }

    // Writes the body of a response to a file, and gives its SHA-256.
    async copy(response, file, onProgress) {
        const total = Number(response.headers.get("content-length"));
        if (!Number.isSafeInteger(total) || total < 1)
            throw this.failed("the server does not say how long the file is");
        const digest = createHash("sha256"), reader = response.body.getReader();
        for (let done = 0; ;) {
            const part = await this.of(reader.read());
            if (part.done)
                return digest.digest("hex");
            digest.update(part.value);
            await this.of(file.writeFile(part.value));
            done += part.value.length;
            onProgress?.(done, total);
        }
    }

    async run(published, file, onProgress) {
        const { response, linked } = await this.request(urlOf(published), tokenOfHub());
        if (response.status !== 200)
            throw this.failed(`the hub answers ${response.status}` + ([401, 403].includes(response.status)
                ? "; accept the model's terms on its page on the hub, and set HF_TOKEN" : ""));
        const found = await this.copy(response, file, onProgress);
        const wanted = published.sha256 ?? linked;
        if (!/^[0-9a-f]{64}$/.test(wanted))
            throw this.failed("the hub does not say the SHA-256 of the file");
        if (found !== wanted)
            throw this.failed(`the file has the SHA-256 ${found}, but should have ${wanted}`);
        await this.of(file.sync());
    }
}

async function pull(name, options = {}) {
    checkNames(options, ["onProgress", "signal"]);
    const { onProgress, signal } = options;
    if (typeof name !== "string")
        throw typeError(`name must be a string, not ${kindOf(name)}`);
    checkSignal(signal);
    if (onProgress !== undefined && typeof onProgress !== "function")
        throw typeError(`onProgress must be a function, not ${kindOf(onProgress)}`);
    const published = publishedModel(name);
    if (published === undefined)
        throw new QuernError(`there is no published model '${name}'; there are ` +
            catalog().map((one) => one.name).join(", "));
    const target = cachedFile(published);
    if (isFile(target))
        return target;
    signal?.throwIfAborted();
    const part = path.join(path.dirname(target), `.pull-${randomBytes(8).toString("hex")}.part`);
    const running = new Download(published.name, signal);
    try {
        await running.of(fs.mkdir(path.dirname(target), { recursive: true }));
        const file = await running.of(fs.open(part, "wx", 0o644));
        try {
            await running.run(published, file, onProgress);
        } finally {
            await file.close(); // before it gets another name, or is removed: Windows wants it so
        }
        await running.of(fs.rename(part, target));
    } catch (error) {
        await fs.rm(part, { force: true });
        throw error;
    } finally {
        running.end();
    }
    return target;
}

module.exports = { pull };
