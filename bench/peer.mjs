// llama.cpp in a process of its own, which compare.mjs starts: node peer.mjs MODEL THREADS PIECES TOKENS
// PIECES is the size of the vocabulary, TOKENS the longest text of the model. Loads the model, sends how long that
// took, then measures what each message asks for and answers in milliseconds.
import fs from "node:fs";
import { getLlama } from "node-llama-cpp";
import { instructions } from "./figures.mjs";
import { sample } from "./sample.mjs";

const path = process.argv[2];
const [threads, pieces, longest] = process.argv.slice(3).map(Number);
const now = () => performance.now();

// Random token ids, different at every call; the lowest ones are special in most vocabularies.
let random = 2463534242;
function ids(count) {
    const list = [];
    for (let i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >>> 17;
        random ^= random << 5;
        list.push(1000 + (random >>> 0) % (pieces - 1000));
    }
    return list;
}

// The log of loading says where the weights lie. It has some hundred lines, which take no time that counts.
let log = "";
const logger = (level, line) => {
    log += `${line}\n`;
    if (level === "error" || level === "fatal")
        console.error(line);
};
const llama = await getLlama({ gpu: false, build: "never", logLevel: "info", logger, maxThreads: threads });
const begin = now();
const model = await llama.loadModel({ modelPath: path, gpuLayers: 0, useMmap: true });
const opened = now();
// A text must be shorter than the context, and in one batch, because each token sees the whole text.
const contextSize = Math.min(longest, 2304);
const context = await model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads });
const made = now();
await context.getEmbeddingFor(ids(16));
const first = now();
llama.logLevel = "error";

function memory(key) {
    return Number(new RegExp(`${key}:\\s+(\\d+)`).exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
}

const tasks = {
    async latency({ tokens, seconds }) {
        if (tokens < 512)
            await context.getEmbeddingFor(ids(tokens));
        return sample(() => context.getEmbeddingFor(ids(tokens)), seconds, tokens < 2048 ? 3 : 1);
    },
    async batch({ texts, tokens, seconds }) {
        await context.getEmbeddingFor(ids(tokens));
        const all = () => Promise.all(Array.from({ length: texts }, () => context.getEmbeddingFor(ids(tokens))));
        return sample(all, seconds, 1);
    },
    async tokenize({ file, seconds }) {
        const text = fs.readFileSync(file, "utf8");
        model.tokenize(text);
        return sample(() => model.tokenize(text), seconds, 5);
    }
};

process.on("message", async (request) => {
    process.send(await tasks[request.task](request));
});
process.send({
    release: llama.llamaCppRelease.release,
    uses: instructions(llama.systemInfo, log),
    load: { open_ms: opened - begin, context_ms: made - opened, first_ms: first - made, all_ms: first - begin },
    memory: { anonymous_mib: memory("RssAnon"), peak_mib: memory("VmHWM") }
});
