// Compares quern with llama.cpp on one model file, and with the products of such a model in ONNX Runtime. bench/compare
// calls this.
//
// In each round, one side computes a column while the others are stopped, then the next side. So changes of the
// machine's speed affect all. The figure of a round is the median of its calls. Of the rounds, the table shows the
// median and the best, and how far the ratios of single rounds lie apart. The figures of quern come from `quern bench`.
import { execFileSync, fork } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compared, geometricMean, median } from "./figures.mjs";
import { http } from "./http.mjs";
import { idle } from "./idle.mjs";

const { values: options } = parseArgs({
    options: {
        quern: { type: "string" },
        model: { type: "string" },
        threads: { type: "string", default: "1,2" },
        columns: { type: "string", default: "8,16,32,128,512,2048,64x128,256x16,tokenize,load" },
        rounds: { type: "string", default: "3" },
        onnx: { type: "boolean", default: false },
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

function quern(threads, ...more) {
    const list = ["bench", "--quiet", "-m", options.model, "--threads", String(threads), "--seconds", String(seconds), "--json"];
    return JSON.parse(execFileSync(options.quern, [...list, ...more], { encoding: "utf8" }));
}

const info = JSON.parse(execFileSync(options.quern, ["info", "--quiet", "-m", options.model, "--json"]));

// The shape for the graph of ONNX Runtime, or undefined where the layers of the model differ.
function onnxShape() {
    if (info.architecture === "gemma-embedding2")
        return undefined;
    return { layers: info.layers, width: info.dimensions, heads: info.heads, keyHeads: info.kv_heads,
        head: info.head_dimensions, hidden: info.ffn_dimensions, gated: info.architecture !== "bert" };
}

// ---------------------------------------------------------------- llama.cpp and ONNX Runtime, each in a process

class Peer {
    static async start(script, ...list) {
        const peer = new Peer();
        peer.process = fork(new URL(script, import.meta.url), list.map(String));
        peers.add(peer);
        peer.process.once("exit", (code) => {
            throw new Error(`${script} ended with ${code}`);
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

const startLlama = (threads) =>
    Peer.start("peer.mjs", options.model, threads, info.vocabulary, info.context_length);

// Undefined if ONNX Runtime is not wanted, or cannot be had.
async function startOnnx(threads) {
    const shape = onnxShape();
    if (!options.onnx || !shape)
        return undefined;
    const peer = await Peer.start("onnx_peer.mjs", threads, JSON.stringify(shape));
    if (peer.ready.failure === undefined)
        return peer;
    peer.stop();
    console.error(`bench/compare: ONNX Runtime is left out: ${peer.ready.failure}`);
    return undefined;
}

// ---------------------------------------------------------------- columns: each returns rows

// A row is [what, unit, quern, llama.cpp, ONNX Runtime]. What is not measured is NaN or missing.
async function latency({ llama, onnx }, threads, column) {
    const ours = quern(threads, "--only", "latency", "--tokens", column).latency[0].p50_ms;
    const request = { task: "latency", tokens: Number(column) };
    return [[`${column} tokens`, "ms", ours, await llama.ask(request), await onnx?.ask(request)]];
}

async function batch({ llama }, threads, column) {
    const [count, tokens] = column.split("x").map(Number);
    const ours = quern(threads, "--only", "batches", "--batches", column).batches[0].tokens_per_s;
    const theirs = await llama.ask({ task: "batch", texts: count, tokens });
    return [[`${count} texts of ${tokens}`, "tokens/s", ours, (count * tokens * 1000) / theirs]];
}

async function tokenize({ llama }, threads) {
    const rows = [];
    for (const row of quern(threads, "--only", "tokenize", "--texts", texts).tokenize) {
        const theirs = await llama.ask({ task: "tokenize", file: join(texts, `${row.text}.txt`) });
        rows.push([`tokenize ${row.text}`, "us", row.ns / 1000, theirs * 1000]);
    }
    return rows;
}

// Both load the file from the page cache, in new processes.
async function load(_, threads) {
    const ours = quern(threads, "--only", "load");
    const peer = await startLlama(threads);
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

function serve({ llama }, threads) {
    const library = (tokens) => {
        const sizes = ["--tokens", String(tokens), "--batches", `64x${tokens}`];
        const found = quern(threads, "--only", "latency,batches", ...sizes);
        return { p50_ms: found.latency[0].p50_ms, tokens_per_s: found.batches[0].tokens_per_s };
    };
    const theirs = (texts, tokens) =>
        llama.ask(texts > 1 ? { task: "batch", texts, tokens } : { task: "latency", tokens });
    return http({ quern: options.quern, model: options.model, threads, library, peer: theirs });
}

function measure(sides, threads, column) {
    const fixed = {
        http: serve,
        idle: () => idle({ quern: options.quern, model: options.model, threads }),
        load,
        tokenize
    };
    const kind = fixed[column] ?? (column.includes("x") ? batch : latency);
    return kind(sides, threads, column);
}

// Returns what the sides say of themselves, and the figures of all rounds.
async function measureAll(threads, columns) {
    const sides = { llama: await startLlama(threads), onnx: await startOnnx(threads) };
    const found = new Map(); // what -> figures of all sides
    for (let round = 0; round < rounds; round++) {
        for (const column of columns) {
            if (process.stderr.isTTY)
                process.stderr.write(`\r${threads} threads, round ${round + 1} of ${rounds}, ${column} ...\x1b[K`);
            const rows = await measure(sides, threads, column);
            for (const [what, unit, quern, llama_cpp = NaN, onnx_products = NaN] of rows) {
                const name = `${column} ${what}`;
                const row = found.get(name) ?? { what, unit, threads, quern: [], llama_cpp: [], onnx_products: [] };
                row.quern.push(quern);
                row.llama_cpp.push(llama_cpp);
                row.onnx_products.push(onnx_products);
                found.set(name, row);
            }
        }
    }
    if (process.stderr.isTTY)
        process.stderr.write("\r\x1b[K");
    Object.values(sides).forEach((peer) => peer?.stop());
    return [sides.llama.ready, sides.onnx?.ready, [...found.values()].map(compared)];
}

// ---------------------------------------------------------------- report

function about(llama, onnx) {
    const system = Object.fromEntries(quern(1, "--only", "tokenize").system.map((row) => [row.name, row.value]));
    const needs = JSON.parse(fs.readFileSync(new URL("package.json", import.meta.url), "utf8"));
    const notes = {
        date: system.date,
        cpu: `${system.cpu}, ${system["cpus online"]} CPUs, ${system.caches}; quern sees ${system["features used"]}`,
        system: system.system,
        model: `${options.model}: ${system.tensors}, ${system["model file"]}`,
        quern: `${system.quern}, ${system.compiler}`,
        quern_uses: `kernels ${system.kernels}`,
        llama_cpp: `${llama.release}, prebuilt, through node-llama-cpp ${needs.dependencies["node-llama-cpp"]}`,
        llama_cpp_uses: llama.uses
    };
    if (onnx) {
        notes.onnx_products = `ONNX Runtime ${onnx.release}, int8: products and attention only, no rotation, no ` +
            "norms, no activation function, no head, no tokenizer: less work than quern and llama.cpp do";
        notes.onnx_products_uses = "unknown, as it reports nothing";
    }
    notes.method = `in turn, one side computes while the others are stopped; ${rounds} rounds; best is the ` +
        "least time or memory, or the greatest rate, of all rounds; in rounds is the least and the most of the ratios " +
        "of single rounds; random token ids; llama.cpp's figures include its binding, which matters for short texts";
    return notes;
}

const digits = (value) =>
    (value >= 1000 ? value.toFixed(0) : value >= 100 ? value.toFixed(1) : value ? value.toPrecision(3) : "0");
const ratio = (value) => value.toFixed(2);
const names = { llama_cpp: "llama.cpp", onnx_products: "ONNX products" };

// A line for each side that quern is compared with, or one for quern alone.
function lines(row) {
    const ours = [row.what, row.unit, String(row.threads), digits(row.quern.median), digits(row.quern.best)];
    const found = Object.keys(names).filter((side) => row[side]).map((side) => {
        const { median, best, times } = row[side];
        return [...ours, names[side], digits(median), digits(best), ratio(times.medians), ratio(times.bests),
            `${ratio(times.least)} to ${ratio(times.most)}`];
    });
    return found.length ? found : [[...ours, "", "", "", "", "", ""]];
}

function printTable(rows) {
    const cells = [["what", "unit", "threads", "quern", "best", "beside", "median", "best", "times better", "of bests",
        "in rounds"], ...rows.flatMap(lines)];
    const isText = (i) => i < 2 || i === 5;
    const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
    const padded = (cell, i) => (isText(i) ? cell.padEnd(widths[i]) : cell.padStart(widths[i]));
    const line = (row) => `| ${row.map(padded).join(" | ")} |`;
    console.log(`\n${line(cells[0])}`);
    console.log(`|${widths.map((width, i) => "-".repeat(width + 1) + (isText(i) ? "-" : ":")).join("|")}|`);
    cells.slice(1).forEach((row) => console.log(line(row)));
}

function print(notes, rows) {
    for (const [key, value] of Object.entries(notes))
        console.log(`- ${key}: ${value}`);
    printTable(rows);
    for (const threads of new Set(rows.map((row) => row.threads))) {
        const passes = rows.filter((row) => row.threads === threads && /^\d+ (tokens|texts of \d+)$/.test(row.what));
        for (const [side, name] of Object.entries(names)) {
            const found = passes.filter((row) => row[side]).map((row) => row[side].times);
            if (found.length > 1)
                console.log(`\nGeometric mean over ${found.length} passes, ${threads} threads, beside ${name}: ` +
                    `${ratio(geometricMean(found.map((one) => one.medians)))} times faster by medians, ` +
                    `${ratio(geometricMean(found.map((one) => one.bests)))} by bests`);
        }
    }
}

const columns = options.columns.split(",");
const rows = [];
let llama, onnx;
for (const threads of options.threads.split(",").map(Number)) {
    const [ofLlama, ofOnnx, more] = await measureAll(threads, columns);
    rows.push(...more);
    [llama, onnx] = [ofLlama, ofOnnx];
}
const notes = about(llama, onnx);
if (options.json)
    console.log(JSON.stringify({ about: notes, rows }, null, 1));
else
    print(notes, rows);
