// Long work in slices, so that the page answers between them.

const longest = 10; // ms of work without a rest

// Lets the browser do what else it has to do. A timer would wait longer than that.
const turn = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
        port1.close();
        resolve();
    };
    port2.postMessage(null);
});

// Returns rest(), which long work awaits after each piece of about a millisecond. It rests when the slice is used up,
// and throws when the signal says that nobody wants the work any more.
export function slices(signal) {
    let begin = performance.now();
    return async () => {
        if (performance.now() - begin < longest)
            return;
        await turn();
        signal.throwIfAborted();
        begin = performance.now();
    };
}
