// The column "http" of bench/compare: the speed that clients of `quern serve` see, beside the speed of quern and
// llama.cpp without HTTP on texts of the same length. A server around llama.cpp cannot be faster than llama.cpp without
// HTTP.
//
// The clients (tests/wire) run on the same CPUs as the server.
import { execFileSync, spawn } from "node:child_process";
import { dirname, join } from "node:path";

const seconds = "4"; // how long each load runs
const words = "8"; // words of a text: 10 tokens with a real vocabulary, about 16 with that of a made model

class Server {
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
}

// Returns rows [what, unit, quern, llama.cpp]. library(tokens) returns quern's { p50_ms, tokens_per_s } without HTTP, for
// one text and for 64 at once. peer(texts, tokens) returns llama.cpp's milliseconds.
export async function http({ quern, model, threads, library, peer }) {
    const wire = join(dirname(quern), "tests/wire/wire");
    const server = await Server.start(quern, model, threads);
    let one, eight, many;
    try {
        one = server.load(wire, "--clients", "1");
        eight = server.load(wire, "--clients", "8");
        many = server.load(wire, "--clients", "1", "--texts", "64", "--requests", "2");
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
        ["64 in a request", "tokens/s", many.tokens_per_s, (64000 * tokens) / many_ms]
    ];
}
