// Which model file is opened.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { WORK, command, quern, refused, runNode, starter, tinyModel } from "./trial.mjs";

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

test("published names", async () => {
    for (const published of JSON.parse(command("pull", "--list", "--json"))) {
        await refused(() => quern.open(published.name), "QUERN_EIO", undefined,
            new RegExp(`'quern pull ${published.name}' downloads it`));
        mkdirSync(cache, { recursive: true });
        const downloaded = path.join(cache, path.basename(published.origin));
        copyFileSync(file, downloaded);
        assert.equal(await pathOf(published.name), downloaded);
        rmSync(cache, { recursive: true });
    }
    await refused(() => quern.open("google/embeddinggemma-300m"), "QUERN_EIO", undefined,
        /'quern pull embeddinggemma'/);
});

test("a notice is a warning", () => {
    const { out, err } = runNode(`quern.open(file).then((model) => console.log(model.notice));`, file);
    assert.deepEqual([out, err], ["null\n", ""]);
    const { out: notice, err: warning } = runNode(`quern.open(file).then((model) => console.log(model.notice));`,
        tinyModel("old", "--type", "f32"));
    assert.match(notice, /head/);
    assert.ok(warning.includes(`QuernWarning: ${notice.trim()}`), warning);
});
