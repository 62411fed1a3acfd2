// The column "idle" of bench/compare: what `quern serve` uses while nobody asks it anything.
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuTime, sleeps } from "./figures.mjs";
import { Server } from "./http.mjs";

const idle_seconds = 10;

// The CPU time and the sleeps of all threads so far.
function used(pid) {
    const found = { cpu_ms: 0, sleeps: 0 };
    for (const thread of fs.readdirSync(`/proc/${pid}/task`)) {
        const read = (name) => fs.readFileSync(`/proc/${pid}/task/${thread}/${name}`, "utf8");
        found.cpu_ms += cpuTime(read("schedstat"));
        found.sleeps += sleeps(read("status"));
    }
    return found;
}

// Returns rows [what, unit, quern]. The server has answered queries, so that all its threads have worked.
export async function idle({ quern, model, threads }) {
    const server = await Server.start(quern, model, threads);
    try {
        await server.query();
        await sleep(1000);
        const begin = used(server.process.pid);
        await sleep(idle_seconds * 1000);
        const end = used(server.process.pid);
        return [
            [`idle server, CPU time in ${idle_seconds} s`, "ms", end.cpu_ms - begin.cpu_ms],
            [`its threads woken in ${idle_seconds} s`, "times", end.sleeps - begin.sleeps]
        ];
    } finally {
        server.process.kill("SIGKILL");
    }
}
