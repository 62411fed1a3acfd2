// Which model file is opened.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import { homedir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { PACKAGE, WINDOWS, WORK, command, quern, refused, require, runNode, starter, tinyModel } from "./trial.mjs";

const file = tinyModel();
const cache = path.join(process.env.XDG_CACHE_HOME, "quern");

async function pathOf(model) {
    const opened = await quern.open(model);
    opened.close();
    return opened.path;
}

test("paths, URLs and the starter", async () => {
    assert.equal(await pathOf(file), file);
    assert.equal(await pathOf(pathToFileURL(file)), file);
    assert.equal(await pathOf(path.relative(process.cwd(), file)), file);
    assert.equal(await pathOf("starter"), starter);
    const odd = path.join(WORK, "ä b.gguf");
    copyFileSync(file, odd);
    assert.equal(await pathOf(odd), odd);
});

test("without a name: $QUERN_MODEL, the cache, the starter", async () => {
    const warnings = [];
    const heard = (warning) => warnings.push(warning.message);
    process.on("warning", heard);
    assert.equal(await pathOf(), starter);
    await new Promise((done) => setImmediate(done));
    assert.match(warnings.join(), /this is the starter model/);
    mkdirSync(cache, { recursive: true });
    writeFileSync(path.join(cache, "a.gguf"), "no model");
    if (!WINDOWS) // a pipe, which must not be waited for
        execFileSync("mkfifo", [path.join(cache, "0.gguf")]);
    copyFileSync(file, path.join(cache, "c.gguf"));
    copyFileSync(file, path.join(cache, "b.gguf"));
    assert.equal(await pathOf(), path.join(cache, "b.gguf"));
    process.env.QUERN_MODEL = file;
    assert.equal(await pathOf(), file);
    delete process.env.QUERN_MODEL;
    const published = JSON.parse(command("pull", "--list", "--json"))[0];
    const downloaded = path.join(cache, path.basename(published.origin));
    copyFileSync(file, downloaded);
    assert.equal(await pathOf(), downloaded);
    process.off("warning", heard);
    rmSync(cache, { recursive: true });
});

test("the cache folder of each system", () => {
    const { cachedFile } = require(path.join(PACKAGE, "files.js")), kept = { ...process.env }, { platform } = process;
    const folderOn = (system, variables) => {
        Object.defineProperty(process, "platform", { value: system });
        delete process.env.XDG_CACHE_HOME;
        delete process.env.LOCALAPPDATA;
        Object.assign(process.env, variables);
        try {
            return path.dirname(cachedFile({ origin: "hf:owner/files/a.gguf" }));
        } finally {
            Object.assign(process.env, kept);
            Object.defineProperty(process, "platform", { value: platform });
        }
    };
    const home = path.join(homedir(), ".cache", "quern"), LOCALAPPDATA = path.resolve("local");
    assert.equal(folderOn("linux", { LOCALAPPDATA }), home);
    assert.equal(folderOn("win32", { LOCALAPPDATA }), path.resolve("local", "quern"));
    assert.equal(folderOn("win32", {}), home);
    const own = { LOCALAPPDATA, XDG_CACHE_HOME: path.resolve("own") };
    assert.equal(folderOn("win32", own), path.resolve("own", "quern"));
    assert.equal(folderOn("darwin", { XDG_CACHE_HOME: "not absolute" }), home);
});

test("published names", async () => {
    for (const published of JSON.parse(command("pull", "--list", "--json"))) {
        await refused(() => quern.open(published.name), "QUERN_EIO", undefined,
            new RegExp(`pull\\('${published.name}'\\) downloads it`));
        mkdirSync(cache, { recursive: true });
        const downloaded = path.join(cache, path.basename(published.origin));
        copyFileSync(file, downloaded);
        assert.equal(await pathOf(published.name), downloaded);
        rmSync(cache, { recursive: true });
    }
    await refused(() => quern.open("google/embeddinggemma-300m"), "QUERN_EIO", undefined,
        /pull\('embeddinggemma'\)/);
    await refused(() => quern.open("all-minilm-L6-v2"), "QUERN_EIO", undefined,
        /a name for pull, such as 'minilm' for sentence-transformers\/all-MiniLM-L6-v2$/);
});

test("a notice is a warning", () => {
    const { out, err } = runNode(`quern.open(file).then((model) => console.log(model.notice));`, file);
    assert.deepEqual([out, err], ["null\n", ""]);
    const { out: notice, err: warning } = runNode(`quern.open(file).then((model) => console.log(model.notice));`,
        tinyModel("old", "--type", "f32"));
    assert.match(notice, /head/);
    assert.ok(warning.includes(`QuernWarning: ${notice.trim()}`), warning);
});

// ---------------------------------------------------------------- downloads, from a hub of the test's own

const content = readFileSync(file), digest = createHash("sha256").update(content).digest("hex");

// A package whose list of published models is this one, and its functions. silence: milliseconds that it waits for.
let packages = 0;
function packageWith(changes, silence) {
    const folder = path.join(WORK, `package-${packages++}`);
    mkdirSync(folder);
    for (const name of readdirSync(PACKAGE))
        if (name.endsWith(".js"))
            copyFileSync(path.join(PACKAGE, name), path.join(folder, name));
    for (const name of ["quern.node", "starter.gguf"])
        (WINDOWS ? copyFileSync : symlinkSync)(path.join(PACKAGE, name), path.join(folder, name));
    if (silence !== undefined) {
        const source = readFileSync(path.join(folder, "pull.js"), "utf8");
        assert.match(source, /SILENCE = 30000/);
        writeFileSync(path.join(folder, "pull.js"), source.replace("SILENCE = 30000", `SILENCE = ${silence}`));
    }
    writeFileSync(path.join(folder, "catalog.json"), JSON.stringify([{ name: "tiny", model: "publisher/tiny",
        origin: "hf:owner/files/deep/tiny-Q8_0.gguf", revision: null, sha256: digest, ...changes }]));
    return require(folder);
}

// Wine lacks an option of sockets that fetch sets.
if (process.env.QUERN_TEST_WINE)
    globalThis.fetch = (url, { headers, signal }) => new Promise((done, failed) =>
        http.get(url, { headers, signal }, (answer) => done(new Response(Readable.toWeb(answer),
            { status: answer.statusCode, headers: answer.headers }))).on("error", failed));

// Sends the file in four pieces, with pauses.
const PAUSE = 500;
function sendSlowly(response, piece) {
    const size = Math.ceil(content.length / 4);
    response.write(content.subarray(piece * size, (piece + 1) * size));
    setTimeout(() => piece < 3 ? sendSlowly(response, piece + 1) : response.end(), PAUSE);
}

// Answers /.../resolve/... by a redirection to another host, as the hub does, which gives the file.
let mode = "", asked = [];
const hub = http.createServer((request, response) => {
    asked.push([request.headers.host.split(":")[0], request.url, request.headers.authorization]);
    const { port } = hub.address();
    if (mode === "no HTTP")
        return request.socket.end("good day\r\n\r\n");
    if (mode === "loop")
        return response.writeHead(302, { location: request.url }).end();
    if (request.url.includes("/resolve/") && mode !== "forbidden")
        return response.writeHead(302, { "x-linked-etag": `"${digest}"`,
            location: mode === "elsewhere" ? "http://example.invalid/file" : `http://localhost:${port}/file` }).end();
    if (mode === "no length")
        return response.write(content.subarray(0, 1000), () => response.end());
    response.writeHead(mode === "forbidden" ? 403 : 200, { "content-length": content.length });
    if (mode === "short" || mode === "stuck")
        return response.write(content.subarray(0, 1000), () => mode === "short" && request.socket.destroy());
    if (mode === "slow")
        return sendSlowly(response, 0);
    return response.end(mode === "other" ? Buffer.concat([Buffer.from("x"), content.subarray(1)]) : content);
});
hub.listen(0, "127.0.0.1");
await once(hub, "listening");
hub.unref();
process.env.QUERN_HUB_URL = `http://127.0.0.1:${hub.address().port}/`;
process.env.HF_TOKEN = "secret";
const downloaded = path.join(cache, "tiny-Q8_0.gguf");

test("pull", async () => {
    const { pull, open } = packageWith({});
    const progress = [];
    assert.equal(await pull("tiny", { onProgress: (...both) => progress.push(both) }), downloaded);
    assert.deepEqual(asked, [["127.0.0.1", "/owner/files/resolve/main/deep/tiny-Q8_0.gguf", "Bearer secret"],
        ["localhost", "/file", undefined]]); // no token for another host
    assert.deepEqual(readFileSync(downloaded), content);
    assert.deepEqual(readdirSync(cache), ["tiny-Q8_0.gguf"]);
    assert.deepEqual(progress.at(-1), [content.length, content.length]);
    assert.equal(await pull("publisher/tiny"), downloaded);
    assert.equal(asked.length, 2); // it was there
    (await open("tiny")).close();
    rmSync(cache, { recursive: true });
    asked = [];
    await packageWith({ sha256: null, revision: "abc" }).pull("tiny");
    assert.match(asked[0][1], /\/resolve\/abc\//);
});

test("pull: a network may be slow, but not silent", async () => {
    rmSync(cache, { recursive: true, force: true });
    const { pull } = packageWith({}, 3 * PAUSE); // of four
    mode = "slow";
    assert.equal(await pull("tiny"), downloaded);
    assert.deepEqual(readFileSync(downloaded), content);
    rmSync(cache, { recursive: true });
    mode = "stuck";
    await assert.rejects(pull("tiny"), /cannot download tiny: the network is silent/);
    mode = "";
});

test("pull: what is refused leaves nothing behind", async () => {
    const refusedPull = async (message, way = "", changes = {}, options = {}, kind = undefined) => {
        rmSync(cache, { recursive: true, force: true });
        mkdirSync(cache);
        mode = way;
        const { pull, QuernError } = packageWith(changes);
        await assert.rejects(pull("tiny", options), (error) => {
            assert.ok(error instanceof (kind ?? QuernError), error.stack);
            assert.match(error.message, message);
            return true;
        });
        assert.deepEqual(readdirSync(cache), []);
        mode = "";
    };
    await refusedPull(/cannot download tiny: the file has the SHA-256/, "", { sha256: "0".repeat(64) });
    await refusedPull(/has the SHA-256/, "other", { sha256: null });
    await refusedPull(/cannot download tiny: /, "short");
    await refusedPull(/403; accept the model's terms/, "forbidden");
    await refusedPull(/not https/, "elsewhere");
    await refusedPull(/redirects without end/, "loop");
    await refusedPull(/does not say how long/, "no length");
    await refusedPull(/cannot download tiny: /, "no HTTP");
    const controller = new AbortController();
    const onProgress = () => controller.abort(new RangeError("enough"));
    await refusedPull(/enough/, "stuck", {}, { onProgress, signal: controller.signal }, RangeError);
    await refusedPull(/enough/, "", {}, { signal: AbortSignal.abort(new RangeError("enough")) }, RangeError);
    await refusedPull(/of the program/, "", {},
        { onProgress: () => { throw new RangeError("of the program"); } }, RangeError);
    process.env.HF_TOKEN = "sec\nret";
    await refusedPull(/HF_TOKEN does not hold a token/);
    for (const url of ["http://example.invalid", "ftp://127.0.0.1", "no URL"]) {
        process.env.QUERN_HUB_URL = url;
        await refusedPull(/must be an https URL/);
    }
    await refused(() => quern.pull("bge-smal"), "QUERN_EINVAL", undefined, /no published model 'bge-smal'; there are/);
    await refused(() => quern.pull(3), "QUERN_EINVAL", undefined, /name must be a string/, TypeError);
    await refused(() => quern.pull("tiny", { onProgress: 3 }), "QUERN_EINVAL", undefined, /onProgress must/, TypeError);
    hub.closeAllConnections();
});
