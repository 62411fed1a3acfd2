// Requests to the server: the API key, what a refusal means for the user, and asking again.
import { count, element } from "./elements.js";

const mostTries = 5;
const longestWait = 60; // seconds between two tries; who asks for more is not asked again

const place = "quern-key"; // where the browser keeps the key until the tab is closed
let secret = "";
try {
    secret = sessionStorage.getItem(place) || "";
} catch { /* the browser keeps nothing: the key has to be entered again after a reload */ }

export const key = () => secret;

export function useKey(text) {
    secret = text;
    try {
        sessionStorage.setItem(place, text);
    } catch { /* see above */ }
}

// Why nothing came, for the user, where the server's own words are for programs.
const reasons = {
    401: "This server needs an API key.",
    413: "That is more than the server takes at once. Try fewer or shorter texts.",
    429: "The server has too much to do.",
    503: "The server cannot answer now."
};

// Seconds to wait before another try, as Retry-After says (a number or a date); 0 when it says nothing.
function wanted(response) {
    const field = response.headers.get("Retry-After") || "";
    const seconds = /^\d+$/.test(field) ? Number(field) : (Date.parse(field) - Date.now()) / 1000;
    return Math.max(0, Math.ceil(seconds || 0));
}

// What the server refused, as an error. It has the field wait, in seconds, if another try may succeed.
function refusal(response, text) {
    let error;
    try {
        error = JSON.parse(text).error;
    } catch { /* no JSON: the status has to do */ }
    if (error?.code === "context_length_exceeded") {
        element("cut-long-field").hidden = false;
        return new Error("A text is longer than the model takes. Shorten it, or let long texts be cut.");
    }
    if (error?.code === "deadline_exceeded")
        return new Error("The server did not finish in the time it gives. Try fewer or shorter texts.");
    const told = error?.message || (typeof error === "string" && error) || `The server answered ${response.status}.`;
    const isBusy = response.status === 429 || response.status === 503;
    if (isBusy && response.headers.get("X-Should-Retry") === "false")
        return new Error(told);
    const reason = new Error(reasons[response.status] || told);
    return isBusy ? Object.assign(reason, { wait: wanted(response) }) : reason;
}

// Returns the text and the header of the answer, or throws an error with a sentence for the user.
export async function request(path, body, signal) {
    const headers = {};
    if (key())
        headers.Authorization = `Bearer ${key()}`;
    if (body)
        headers["Content-Type"] = "application/json";
    let response, text;
    try {
        response = await fetch(path,
            { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
        text = await response.text();
    } catch (error) {
        throw error.name === "AbortError" ? error : new Error("The server does not answer. Does it still run?");
    }
    if (response.status === 401)
        document.dispatchEvent(new Event("key-wanted"));
    if (!response.ok)
        throw refusal(response, text);
    return { text, headers: response.headers };
}

const pause = (seconds, signal) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
    });
});

// Asks until there is an answer, and returns it with its header. Asks again when the server wants it later: not sooner
// than it says, each time at least twice as long after the last time, and not more than mostTries times.
export async function ask(path, body, { signal, tell }) {
    for (let tries = 1; ; tries++) {
        try {
            const { text, headers } = await request(path, body, signal);
            return { answer: JSON.parse(text), headers };
        } catch (error) {
            if (error.wait === undefined)
                throw error;
            const wait = Math.max(error.wait, 2 ** (tries - 1));
            if (wait > longestWait)
                throw new Error(`${error.message} It wants to be asked again in ${count(wait)} s.`);
            if (tries === mostTries)
                throw new Error(`${error.message} It was asked ${tries} times. Try again later.`);
            tell(`${error.message} Asking again in ${wait} s, try ${tries + 1} of ${mostTries}…`);
            await pause(wait, signal);
        }
    }
}
