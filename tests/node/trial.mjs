// What the tests of the Node.js package share. They run with QUERN_BUILD, the build directory. On Windows, files that
// are open are neither replaced nor removed.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

export const BUILD = process.env.QUERN_BUILD;
export const PACKAGE = path.join(BUILD, "bindings", "node");
export const require = createRequire(import.meta.url);
export const WORK = mkdtempSync(path.join(tmpdir(), "quern-node-"));
export const WINDOWS = process.platform === "win32";
process.on("exit", () => {
    try {
        rmSync(WORK, { recursive: true });
    } catch (error) {
        if (!WINDOWS)
            throw error;
    }
});
process.env.XDG_CACHE_HOME = path.join(WORK, "cache");
delete process.env.QUERN_MODEL;

export const quern = require(PACKAGE);
export const addon = require(path.join(PACKAGE, "quern.node"));
export const TEXTS = ["the quick brown fox", "jumps over", "a lazy dog", "", "caf\u00e9 \u{1f600}", "two\nlines",
    "a\0b"];
export const MANY = Array.from({ length: 300 }, (_, number) => `text number ${number}`);
export const TOO_LONG = "a b ".repeat(5000);

// A small model with prompts; with the words of mkmodel, another one.
export function tinyModel(name = "tiny", ...words) {
    const file = path.join(WORK, `${name}.gguf`);
    execFileSync(path.join(BUILD, "tools", "mkmodel"), ["tiny", file, ...(words.length > 0 ? words : ["--head"])]);
    return file;
}
export const starter = path.join(PACKAGE, "starter.gguf");

// What the command quern prints.
export function command(...words) {
    return execFileSync(path.join(BUILD, "quern"), words);
}

// The bytes of the vectors that the command makes.
export function commandVectors(model, texts, ...words) {
    return execFileSync(path.join(BUILD, "quern"), ["embed", "--quiet", "--null", "-m", model, ...words],
        { input: texts.map((text) => text + "\0").join("") });
}

export function bytesOf(array) {
    return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

// Runs a program in a process of its own, with quern and file in it, and words in process.argv.
export function runNode(program, model, { flags = [], words = [], env = {}, timeout = 60000 } = {}) {
    const start = `const quern = require(${JSON.stringify(PACKAGE)}); const file = ${JSON.stringify(model)};`;
    const result = spawnSync(process.execPath, [...flags, "-e", start + program, ...words],
        { encoding: "utf8", timeout, env: { ...process.env, ...env } });
    return { code: result.status, signal: result.signal, out: result.stdout, err: result.stderr };
}

// How often a file is mapped in this process; on Windows, whether it is open.
export function mapsOf(file) {
    if (WINDOWS) {
        try {
            copyFileSync(file, `${file}.copy`);
            renameSync(`${file}.copy`, file);
            return 0;
        } catch {
            return 1;
        }
    }
    return readFileSync("/proc/self/maps", "utf8").split("\n").filter((line) => line.endsWith(file)).length;
}

// Asserts that a call, or the promise that it gives, fails with this code, index and message.
export async function refused(call, code, index, message, kind = quern.QuernError) {
    await assert.rejects(async () => call(), (error) => {
        assert.ok(error instanceof kind, `${error?.stack}`);
        assert.deepEqual([error.code, error.index], [code, index], error.stack);
        assert.match(error.message, message);
        return true;
    });
}
