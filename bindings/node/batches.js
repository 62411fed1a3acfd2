// Texts that come one by one, some at a time.
"use strict";

// A call of the library has so many texts and characters at most, or one text. So other calls, and the end of the
// process, do not wait for long.
const CALL_TEXTS = 64;
const CALL_CHARACTERS = 32768;

// With a small model a call takes little time, and the pause between two calls counts. Then a call has more texts, up
// to so many times as many, as long as it takes less than so many seconds.
const MOST_TIMES = 8;
const CALL_SECONDS = 0.04;

// How many times as many texts a call may have, after one with `count` texts took so long.
function timesOf(count, seconds) {
    return Math.max(1, Math.min(MOST_TIMES, CALL_SECONDS * count / (CALL_TEXTS * seconds)));
}

// The position behind the texts of the call that begins at first. times: as timesOf gives it.
function endOfCall(texts, first, times) {
    let end = first;
    for (let characters = 0; end < texts.length && end < first + Math.floor(CALL_TEXTS * times); end++) {
        characters += texts[end].length;
        if (characters > CALL_CHARACTERS * times && end > first)
            break;
    }
    return end;
}

const LATER = Symbol("later");
const later = () => new Promise((done) => setImmediate(done, LATER));

// Reads the texts of an iterable or async iterable.
class Batches {
    #source;
    #coming = null; // what the source gives next: the object, or a promise of it

    constructor(texts) {
        this.#source = texts[Symbol.asyncIterator]?.() ?? texts[Symbol.iterator]();
    }

    // Some texts, at least one; an empty array at the end. A source that has no text at the moment does not hold up
    // those that it gave before.
    async next() {
        const batch = [];
        for (let characters = 0; batch.length < CALL_TEXTS && characters < CALL_CHARACTERS;) {
            this.#coming ??= this.#source.next();
            const waits = batch.length > 0 && typeof this.#coming.then === "function";
            const step = await (waits ? Promise.race([this.#coming, later()]) : this.#coming);
            if (step === LATER || step.done) // which the next call sees again
                break;
            this.#coming = null;
            batch.push(step.value);
            characters += step.value?.length ?? 0;
        }
        return batch;
    }

    // Tells the source that no more is read. Does not wait for a source that is asked for a text at the moment.
    async end() {
        const ended = Promise.resolve(this.#source.return?.());
        ended.catch(() => {});
        if (this.#coming === null)
            await ended;
    }
}

module.exports = { Batches, endOfCall, timesOf };
