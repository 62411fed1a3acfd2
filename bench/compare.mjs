// Compares quern and llama.cpp on one model file. bench/compare calls this.
//
// For each column, one side computes while the other is stopped, then the other. So changes of the machine's speed affect
// both. The figure of a round is the median of its calls, and a figure is the median of the rounds. The figures of quern
// come from `quern bench --json`.
import { execFileSync, fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { http } from "./http.mjs";

const { values: options } = parseArgs({
    options: {
        quern: { type: "string" },
        model: { type: "string" },
        threads: { type: "string", default: "1,2" },
        columns: { type: "string", default: "8,16,32,128,512,2048,64x128,256x16,tokenize,load" },
        rounds: { type: "string", default: "3" },
        json: { type: "boolean", default: false }
    }
});
const rounds = Number(options.rounds);
const seconds = 0.4; // how long a column is measured in a round
const texts = fs.mkdtempSync(join(os.tmpdir(), "quern-compare-"));
const peers = new Set();
process.on("exit", () => {
    peers.forEach((peer) => peer.stop());
    fs.rmSync(texts, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => process.exit(1));

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

function quern(threads, ...more) {
    const list = ["bench", "-m", options.model, "--threads", String(threads), "--seconds", String(seconds), "--json"];
    return JSON.parse(execFileSync(options.quern, [...list, ...more], { encoding: "utf8" }));
}

// ---------------------------------------------------------------- llama.cpp, in a process of its own

class Peer {
    static async start(threads) {
        const peer = new Peer();
        peer.process = fork(new URL("peer.mjs", import.meta.url), [options.model, String(threads)]);
        peers.add(peer);
        peer.process.once("exit", (code) => {
            throw new Error(`node-llama-cpp ended with ${code}`);
        });
        peer.ready = await peer.answer();
        peer.process.kill("SIGSTOP");
        return peer;
    }

    answer() {
        return new Promise((resolve) => this.process.once("message", resolve));
    }

    // Lets the process measure one thing. Returns the median in milliseconds.
    async ask(request) {
        const answer = this.answer();
        this.process.kill("SIGCONT");
        this.process.send({ ...request, seconds });
        const times = await answer;
        this.process.kill("SIGSTOP");
        return median(times);
    }

    stop() {
        peers.delete(this);
        this.process.removeAllListeners("exit");
        this.process.kill("SIGKILL");
    }
}

// ---------------------------------------------------------------- columns: each returns rows

// A row is [what, unit, quern, llama.cpp].
async function latency(peer, threads, tokens) {
    const ours = quern(threads, "--only", "latency", "--tokens", tokens).latency[0].p50_ms;
    return [[`${tokens} tokens`, "ms", ours, await peer.ask({ task: "latency", tokens: Number(tokens) })]];
}

async function batch(peer, threads, column) {
    const [count, tokens] = column.split("x").map(Number);
    const ours = quern(threads, "--only", "batches", "--batches", column).batches[0].tokens_per_s;
    const theirs = await peer.ask({ task: "batch", texts: count, tokens });
    return [[`${count} texts of ${tokens}`, "tokens/s", ours, (count * tokens * 1000) / theirs]];
}

async function tokenize(peer, threads) {
    const rows = [];
    for (const row of quern(threads, "--only", "tokenize", "--texts", texts).tokenize) {
        const theirs = await peer.ask({ task: "tokenize", file: join(texts, `${row.text}.txt`) });
        rows.push([`tokenize ${row.text}`, "us", row.ns / 1000, theirs * 1000]);
    }
    return rows;
}

// Both load the file from the page cache, in new processes.
async function load(_, threads) {
    const ours = quern(threads, "--only", "load");
    const peer = await Peer.start(threads);
    const theirs = peer.ready;
    peer.stop();
    const step = (name) => ours.load.find((row) => row.step === name).p50_ms;
    const memory = ours.memory.find((row) => row.when === "first vector");
    return [
        ["open the model", "ms", step("open the model"), theirs.load.open_ms],
        ["load to the first vector", "ms", step("all"), theirs.load.all_ms],
        ["anonymous memory", "MiB", memory.anonymous_mib, theirs.memory.anonymous_mib],
        ["peak memory", "MiB", memory.peak_mib, theirs.memory.peak_mib]
    ];
}

function serve(peer, threads) {
    const library = (tokens) => {
        const sizes = ["--tokens", String(tokens), "--batches", `64x${tokens}`];
        const found = quern(threads, "--only", "latency,batches", ...sizes);
        return { p50_ms: found.latency[0].p50_ms, tokens_per_s: found.batches[0].tokens_per_s };
    };
    const theirs = (texts, tokens) =>
        peer.ask(texts > 1 ? { task: "batch", texts, tokens } : { task: "latency", tokens });
    return http({ quern: options.quern, model: options.model, threads, library, peer: theirs });
}

function measure(peer, threads, column) {
    if (column === "http")
        return serve(peer, threads);
    if (column === "tokenize")
        return tokenize(peer, threads);
    if (column === "load")
        return load(peer, threads);
    return column.includes("x") ? batch(peer, threads, column) : latency(peer, threads, column);
}

async function measureAll(threads, columns) {
    const peer = await Peer.start(threads);
    const found = new Map(); // "what unit" -> figures of both
    for (let round = 0; round < rounds; round++) {
        for (const column of columns) {
            if (process.stderr.isTTY)
                process.stderr.write(`\r${threads} threads, round ${round + 1} of ${rounds}, ${column} ...\x1b[K`);
            for (const [what, unit, ours, theirs] of await measure(peer, threads, column)) {
                const row = found.get(what) ?? { what, unit, threads, ours: [], theirs: [] };
                row.ours.push(ours);
                row.theirs.push(theirs);
                found.set(what, row);
            }
        }
    }
    if (process.stderr.isTTY)
        process.stderr.write("\r\x1b[K");
    peer.stop();
    return [[...found.values()].map((row) => {
        const [ours, theirs] = [median(row.ours), median(row.theirs)];
        const times = row.unit.endsWith("/s") ? ours / theirs : theirs / ours;
        return { what: row.what, unit: row.unit, threads: row.threads, quern: ours, llama_cpp: theirs, times };
    }), peer.ready.release];
}

// ---------------------------------------------------------------- report

function about(release) {
    const system = Object.fromEntries(quern(1, "--only", "tokenize").system.map((row) => [row.name, row.value]));
    const needs = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies;
    const binding = needs["node-llama-cpp"];
    return {
        date: system.date,
        cpu: `${system.cpu}, ${system["cpus online"]} CPUs, ${system.caches}`,
        system: system.system,
        model: `${options.model}: ${system.tensors}, ${system["model file"]}`,
        quern: `${system.quern}, kernels ${system.kernels}, ${system.compiler}`,
        llama_cpp: `${release}, prebuilt, through node-llama-cpp ${binding}`,
        method: `in turn, one side is stopped while the other computes; medians of ${rounds} rounds; random token ids; ` +
            "llama.cpp's figures include its binding, which matters for short texts"
    };
}

const shown = (value, text) => (Number.isNaN(value) ? "" : text(value)); // not measured
const digits = (value) => (value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(1) : value.toPrecision(3));

function print(notes, rows) {
    for (const [key, value] of Object.entries(notes))
        console.log(`- ${key}: ${value}`);
    const cells = rows.map((row) => [row.what, row.unit, String(row.threads), digits(row.quern),
        shown(row.llama_cpp, digits), shown(row.times, (times) => times.toFixed(2))]);
    cells.unshift(["what", "unit", "threads", "quern", "llama.cpp", "times better"]);
    const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
    const padded = (cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
    const line = (row) => `| ${row.map(padded).join(" | ")} |`;
    console.log(`\n${line(cells[0])}`);
    console.log(`|${widths.map((width, i) => "-".repeat(width + 1) + (i < 2 ? "-" : ":")).join("|")}|`);
    cells.slice(1).forEach((row) => console.log(line(row)));
    for (const threads of new Set(rows.map((row) => row.threads))) {
        const passes = rows.filter((row) => row.threads === threads && /^\d+ (tokens|texts of \d+)$/.test(row.what));
        const mean = Math.exp(passes.reduce((sum, row) => sum + Math.log(row.times), 0) / passes.length);
        if (passes.length > 1)
            console.log(`\nGeometric mean over passes, ${threads} threads: ${mean.toFixed(2)} times faster`);
    }
}

const columns = options.columns.split(",");
const rows = [];
let release;
for (const threads of options.threads.split(",").map(Number)) {
    const [more, version] = await measureAll(threads, columns);
    rows.push(...more);
    release = version;
}
const notes = about(release);
if (options.json)
    console.log(JSON.stringify({ about: notes, rows }, null, 1));
else
    print(notes, rows);
