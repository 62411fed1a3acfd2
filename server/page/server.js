// The page's requests to the server, the API key, and vectors that are known already.

const known = new Map(); // vectors by task, dimensions and text
const mostKnown = 4000;
const mostInputs = 2048; // texts in a request

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

async function complaint(response) {
    const text = await response.text();
    try {
        const { error } = JSON.parse(text);
        return error.message || error;
    } catch {
        return `The server answered ${response.status}.`;
    }
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
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return new Float32Array(bytes.buffer);
}

async function post(texts, options, signal) {
    const response = await request("/v1/embeddings",
        { model: model.name, input: texts, encoding_format: "base64", ...options }, signal);
    const { data, usage } = await response.json();
    return { vectors: data.map((item) => decode(item.embedding)), tokens: usage.prompt_tokens };
}

// Returns the vectors of all texts, in their order, and asks the server only for those that are not known yet. Options:
// task, title, dimensions. Also returns how many texts it asked for, their tokens, and the milliseconds this took.
export async function embed(texts, options, signal) {
    const name = (text) => JSON.stringify([options.task, options.title, options.dimensions, text]);
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
