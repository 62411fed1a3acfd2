// Statistics of bench/compare, and what it reads from logs and from /proc. tests/test_compare.mjs tests this file.

export function median(list) {
    const sorted = [...list].sort((a, b) => a - b);
    return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

// More is better for rates only: times, memory and counts should be small.
const isRate = (unit) => unit.endsWith("/s");
const best = (list, unit) => (isRate(unit) ? Math.max(...list) : Math.min(...list));

function summary(rounds, unit) {
    return { median: median(rounds), best: best(rounds, unit), rounds };
}

// How many times better `ours` is than `theirs`; both are lists with a figure of each round, in the same order. least
// and most are the ends of the ratios of single rounds.
function times(ours, theirs, unit) {
    const ratio = (a, b) => (isRate(unit) ? a / b : b / a);
    const rounds = ours.map((figure, i) => ratio(figure, theirs[i]));
    return {
        medians: ratio(median(ours), median(theirs)),
        bests: ratio(best(ours, unit), best(theirs, unit)),
        least: Math.min(...rounds),
        most: Math.max(...rounds)
    };
}

// A row with the lists of figures, as it is reported. A side that was not measured, and so has NaN, is left out.
export function compared({ what, unit, threads, quern, ...others }) {
    const row = { what, unit, threads, quern: summary(quern, unit) };
    for (const [side, theirs] of Object.entries(others))
        if (!theirs.some(Number.isNaN))
            row[side] = { ...summary(theirs, unit), times: times(quern, theirs, unit) };
    return row;
}

export const geometricMean = (list) => Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);

// What llama.cpp says about the instructions it uses. info: its line of features, such as "AVX2 = 1 | AMX_INT8 = 1 |".
// log: the lines of loading a model, which name the buffers that the weights lie in.
export function instructions(info, log) {
    const features = [...info.matchAll(/(\w+) = [1-9]/g)].map(([, name]) => name);
    const buffers = [...log.matchAll(/(\S+) model buffer size = +([\d.]+) MiB/g)];
    const amx = buffers.find(([, name]) => name === "AMX");
    const hasAmx = features.some((name) => name.startsWith("AMX"));
    let use = "whether it uses AMX is unknown, as it reports nothing";
    if (amx)
        use = `it uses AMX: ${amx[2]} MiB of weights lie in a buffer for AMX`;
    else if (hasAmx && buffers.length)
        use = "it does not use AMX: it could, but no weights lie in a buffer for AMX";
    else if (hasAmx)
        use = "it could use AMX; whether it does is unknown, as it names no buffers";
    else if (features.length)
        use = "it does not use AMX";
    return `${use}; reported features: ${features.join(" ") || "none"}`;
}

// CPU time of a thread in milliseconds, from /proc/PID/task/TID/schedstat, which counts nanoseconds.
export const cpuTime = (schedstat) => Number(schedstat.split(" ")[0]) / 1e6;

// How often a thread went to sleep, and so was woken, from /proc/PID/task/TID/status.
export const sleeps = (status) => Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)[1]);
