// The column "http" of bench/compare: `quern serve` and llama.cpp behind node's own HTTP server, under the same clients.
//
// The clients (tests/wire) run on the same CPUs. Beside it what the library makes of texts of that length without HTTP.
import { execFileSync, spawn } from "node:child_process";
import { dirname, join } from "node:path";

const seconds = 3; // for a load
const words = "14"; // of a text: 16 tokens with the real vocabulary
const loads = [
    { name: "1 client, 1 text", list: ["--clients", "1", "--texts", "1"] },
    { name: "8 clients, 1 text", list: ["--clients", "8", "--texts", "1"] },
    { name: "1 client, 64 texts", list: ["--clients", "1", "--texts", "64", "--requests", "1"] }
];

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

    stop() {
        this.process.kill("SIGKILL");
    }
}

// What clients of one kind get from a server at HOST:PORT.
function load(wire, address, kind) {
    const list = ["load", address, ...kind.list, "--words", words, "--seconds", String(seconds), "--no-check", "--json"];
    return JSON.parse(execFileSync(wire, list, { encoding: "utf8" }));
}

// Rows [what, unit, quern, peer]; `library(tokens)` gives quern's own { p50_ms, tokens_per_s } for texts of that length.
export async function http({ quern, model, threads, peer, library }) {
    const wire = join(dirname(quern), "tests/wire/wire");
    const server = await Server.start(quern, model, threads);
    const rows = [["server ready", "ms", server.ready_ms, peer.ready.load.all_ms]];
    const figures = [];
    try {
        for (const kind of loads) {
            const ours = load(wire, server.address, kind);
            peer.process.kill("SIGCONT");
            const theirs = load(wire, peer.ready.address, kind);
            peer.process.kill("SIGSTOP");
            rows.push([`${kind.name}: requests`, "/s", ours.requests_per_s, theirs.requests_per_s]);
            rows.push([`${kind.name}: p50`, "ms", ours.p50_ms, theirs.p50_ms]);
            rows.push([`${kind.name}: p99`, "ms", ours.p99_ms, theirs.p99_ms]);
            figures.push(ours);
        }
    } finally {
        server.stop();
    }
    const [single, , many] = figures;
    const tokens = Math.round(single.tokens_per_s / single.requests_per_s);
    const alone = library(tokens);
    rows.push([`one text of ${tokens} tokens, without HTTP`, "ms", alone.p50_ms, NaN]);
    rows.push(["64 texts through HTTP", "tokens/s", many.tokens_per_s, NaN]);
    rows.push(["64 texts without HTTP", "tokens/s", alone.tokens_per_s, NaN]);
    return rows;
}
