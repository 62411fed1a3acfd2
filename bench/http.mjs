// The column "http" of bench/compare: the speed that clients of `quern serve` see, beside the speed of quern and
// llama.cpp without HTTP on texts of the same length. A server around llama.cpp cannot be faster than llama.cpp without
// HTTP.
//
// The last rows are about short queries beside large requests. Two clients send 64 texts of a hundred tokens at a time,
// without a pause. In every other turn one more client sends a query 250 ms after each answer. Turns are short, so that
// changes of the machine's speed affect both rates of the large requests.
//
// The clients (tests/wire, and this program) run on the same CPUs as the server.
import { execFileSync, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const seconds = "4"; // how long each load runs
const turns = 20; // half of them with queries
const turn_ms = 2000;
const words = "8"; // words of a text: 10 tokens with a real vocabulary, about 16 with that of a made model

export class Server {
    static async start(quern, model, threads) {
        const server = new Server();
        const begin = performance.now();
        server.process = spawn(quern, ["serve", "-m", model, "--port", "0", "--threads", String(threads)],
            { stdio: ["ignore", "ignore", "pipe"] });
        server.address = await new Promise((resolve, reject) => {
            let log = "";
            server.process.once("exit", () => reject(new Error(`quern serve ended: ${log}`)));
            server.process.stderr.on("data", (chunk) => {
                log += chunk;
                const found = /ready on http:\/\/([^ ,]*)/.exec(log);
                if (found)
                    resolve(found[1]);
            });
        });
        server.ready_ms = performance.now() - begin;
        server.process.removeAllListeners("exit");
        return server;
    }

    load(wire, ...more) {
        const list = ["load", this.address, "--words", words, "--seconds", seconds, "--no-check", "--json", ...more];
        return JSON.parse(execFileSync(wire, list, { encoding: "utf8" }));
    }

    // Tokens that were computed since the start, and the time.
    async count() {
        const metrics = await (await fetch(`http://${this.address}/metrics`)).text();
        return { tokens: Number(/^te_batch_next_tokens_sum (.*)$/m.exec(metrics)[1]), ms: performance.now() };
    }

    // Sends queries for a turn. Returns the milliseconds of each, and the tokens of all.
    async query() {
        const body = JSON.stringify({ input: "river stone bread window letter garden" });
        const found = { ms: [], tokens: 0 };
        for (const end = performance.now() + turn_ms; performance.now() < end; await sleep(250)) {
            const begin = performance.now();
            const answer = await fetch(`http://${this.address}/v1/embeddings`, { method: "POST", body });
            found.tokens += (await answer.json()).usage.total_tokens;
            found.ms.push(performance.now() - begin);
        }
        return found;
    }
}

const mean = (list) => list.reduce((a, b) => a + b) / list.length;
const quantile = (list, share) => [...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * share)];

// The times of queries alone and beside large requests, and the rates of these without and with queries.
async function beside(server, wire) {
    const alone = [], among = [], rates = [[], []];
    for (let i = 0; i < turns / 2; i++)
        alone.push(...(await server.query()).ms);
    const list = ["load", server.address, "--clients", "2", "--texts", "64", "--words", "50", "--requests", "4"];
    const large = spawn(wire, [...list, "--no-check", "--seconds", "3600"], { stdio: "ignore" });
    try {
        await sleep(2 * turn_ms);
        for (let i = 0; i < turns; i++) {
            const begin = await server.count();
            const found = i % 2 ? await server.query() : await sleep(turn_ms, { ms: [], tokens: 0 });
            const end = await server.count();
            among.push(...found.ms);
            rates[i % 2].push((1000 * (end.tokens - begin.tokens - found.tokens)) / (end.ms - begin.ms));
        }
    } finally {
        large.kill("SIGKILL");
    }
    return { alone, among, without: mean(rates[0]), with_queries: mean(rates[1]) };
}

// Returns rows [what, unit, quern, llama.cpp]. library(tokens) returns quern's { p50_ms, tokens_per_s } without HTTP,
// for one text and for 64 at once. peer(texts, tokens) returns llama.cpp's milliseconds.
export async function http({ quern, model, threads, library, peer }) {
    const wire = join(dirname(quern), "tests/wire/wire");
    const server = await Server.start(quern, model, threads);
    let one, eight, many, mixed;
    try {
        one = server.load(wire, "--clients", "1");
        eight = server.load(wire, "--clients", "8");
        many = server.load(wire, "--clients", "1", "--texts", "64", "--requests", "2");
        mixed = await beside(server, wire);
    } finally {
        server.process.kill("SIGKILL");
    }
    const tokens = Math.round(one.tokens_per_s / one.requests_per_s);
    const alone = library(tokens);
    const [one_ms, eight_ms, many_ms] = [await peer(1, tokens), await peer(8, tokens), await peer(64, tokens)];
    return [
        ["server ready", "ms", server.ready_ms, NaN],
        [`one text of ${tokens}, no HTTP`, "ms", alone.p50_ms, one_ms],
        ["the same through HTTP", "ms", one.p50_ms, one_ms],
        ["8 clients of one such text", "requests/s", eight.requests_per_s, 8000 / eight_ms],
        ["p50 of their time", "ms", eight.p50_ms, NaN],
        ["p99 of their time", "ms", eight.p99_ms, NaN],
        ["64 such texts, no HTTP", "tokens/s", alone.tokens_per_s, (64000 * tokens) / many_ms],
        ["64 in a request", "tokens/s", many.tokens_per_s, (64000 * tokens) / many_ms],
        ["a query now and then, p50", "ms", quantile(mixed.alone, 0.5), NaN],
        ["the same, p99", "ms", quantile(mixed.alone, 0.99), NaN],
        ["beside large requests, p50", "ms", quantile(mixed.among, 0.5), NaN],
        ["the same, p99", "ms", quantile(mixed.among, 0.99), NaN],
        ["large requests, alone", "tokens/s", mixed.without, NaN],
        ["large requests beside queries", "tokens/s", mixed.with_queries, NaN]
    ];
}
