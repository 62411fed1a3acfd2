// The page's requests to the server, the API key, and vectors that are known already.
import { element } from "./elements.js";

const known = new Map(); // vectors by task, dimensions and text
const mostKnown = 4000;
const mostInputs = 128; // texts in a request: progress is shown after each

export const address = location.origin;

// What /info and /v1/models say; filled by connect(). tasks are those that a model's name may end in.
export const model = { name: "", dimensions: 768, tasks: [], space: "" };

export const key = () => sessionStorage.getItem("quern-key") || "";

// Returns the response, or throws an error with the message of the server.
export async function request(path, body, signal) {
    const headers = {};
    if (key())
        headers.Authorization = `Bearer ${key()}`;
    if (body)
        headers["Content-Type"] = "application/json";
    let response;
    try {
        response = await fetch(path,
            { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
    } catch (error) {
        throw error.name === "AbortError" ? error : new Error("The server does not answer.");
    }
    if (response.status === 401)
        document.dispatchEvent(new Event("key-wanted"));
    if (!response.ok)
        throw new Error(await complaint(response));
    return response;
}

const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
        clearTimeout(timer);
        reject(signal.reason);
    });
});

// What a status means for the user, where the server's own words are for programs.
const sentences = {
    401: "This server needs an API key.",
    413: "That is more than the server takes at once. Try fewer or shorter texts.",
    429: "The server has too much to do at the moment. Try again soon.",
    503: "The server cannot answer at the moment. Try again soon."
};

async function complaint(response) {
    const text = await response.text();
    let error = {};
    try {
        error = JSON.parse(text).error;
    } catch { /* no JSON: the status has to do */ }
    if (error.code === "context_length_exceeded") {
        element("cut-long-field").hidden = false;
        return "A text is longer than the model takes. Shorten it, or let long texts be cut.";
    }
    return sentences[response.status] || error.message || `The server answered ${response.status}.`;
}

export async function connect() {
    const [info, models] = await Promise.all(
        ["/info", "/v1/models"].map((path) => request(path).then((response) => response.json())));
    model.name = models.data[0].id;
    model.dimensions = info.dimensions || model.dimensions;
    model.tasks = ["none", ...models.data.map(({ id }) => id)
        .filter((id) => id.startsWith(`${model.name}:`)).map((id) => id.slice(model.name.length + 1))];
    model.space = info.space || "";
    return info;
}

function decode(base64) {
    const letters = atob(base64);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < bytes.length; i++)
        bytes[i] = letters.charCodeAt(i);
    return new Float32Array(bytes.buffer);
}

const mostTries = 5;

// Asks again, a little later each time, when the server has too much to do.
async function ask(body, signal) {
    for (let tries = 1; ; tries++) {
        try {
            return await request("/v1/embeddings", body, signal);
        } catch (error) {
            if (![sentences[429], sentences[503]].includes(error.message) || tries === mostTries)
                throw error;
            await pause(1000 * tries, signal);
        }
    }
}

async function post(texts, options, signal) {
    const cut = element("cut-long").checked ? { truncate: true } : {};
    const body = { model: model.name, input: texts, encoding_format: "base64", ...cut, ...options };
    const response = await ask(body, signal);
    const { data, usage } = await response.json();
    return { vectors: data.map((item) => decode(item.embedding)), tokens: usage.prompt_tokens };
}

// Returns the vectors of all texts, in their order, and asks the server only for those that are not known yet. Options:
// task, title, dimensions; and progress(done, all), which is called after each request. Also returns how many texts it
// asked for, their tokens, and the milliseconds this took.
export async function embed(texts, { progress, ...options }, signal) {
    const name = (text) =>
        JSON.stringify([element("cut-long").checked, options.task, options.title, options.dimensions, text]);
    const missing = [...new Set(texts.filter((text) => !known.has(name(text))))];
    const begin = performance.now();
    let tokens = 0;
    if (known.size + missing.length > mostKnown) {
        known.clear();
        missing.splice(0, missing.length, ...new Set(texts));
    }
    for (let i = 0; i < missing.length; i += mostInputs) {
        const part = missing.slice(i, i + mostInputs);
        const answer = await post(part, options, signal);
        part.forEach((text, j) => known.set(name(text), answer.vectors[j]));
        if (missing.length > mostInputs)
            progress?.(Math.min(i + mostInputs, missing.length), missing.length);
        tokens += answer.tokens;
    }
    return {
        vectors: texts.map((text) => known.get(name(text))),
        asked: missing.length,
        tokens,
        milliseconds: performance.now() - begin
    };
}

// Forgets all vectors, so that the next text is embedded again and its time can be shown.
export function forget() {
    known.clear();
}
