// What the processes of bench/compare that measure have in common.

// Calls for about so many seconds, and at least `least` times. Returns milliseconds.
export async function sample(call, seconds, least) {
    const times = [];
    for (const end = performance.now() + seconds * 1000; times.length < least || performance.now() < end;) {
        const begin = performance.now();
        await call();
        times.push(performance.now() - begin);
    }
    return times;
}
