// What the server is, and the vectors of texts: those that are known already, and those that it is asked for.
import { ask } from "./ask.js";
import { element } from "./elements.js";

const known = new Map(); // vectors by task, dimensions and text
const mostKnown = 4000;
const mostInputs = 64; // texts in a request: progress is shown after each
const mostLetters = 20000; // of these texts together, unless one alone has more

export const address = location.origin;

// The model that the page works with, as /info and /v1/models describe it; filled by connect(). tasks are those that its
// name may end in.
export const model = { name: "", dimensions: 768, tasks: [], space: "" };

export async function connect(job) {
    const [{ answer: info }, { answer: models }] = await Promise.all(
        ["/info", "/v1/models"].map((path) => ask(path, undefined, job)));
    const wanted = new URLSearchParams(location.search).get("model");
    const chosen = (info.models || []).slice(1).find(({ name }) => name === wanted); // the first is in info itself
    Object.assign(info, chosen);
    model.name = chosen?.name || models.data[0].id;
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

// The part of a space's name that is the same for all tasks and dimensions of a model.
const digest = (space) => space.split("-")[1];

async function post(texts, options, job) {
    const cut = element("cut-long").checked ? { truncate: true } : {};
    const body = { model: model.name, input: texts, encoding_format: "base64", ...cut, ...options };
    const { answer: { data, usage }, headers } = await ask("/v1/embeddings", body, job);
    const space = headers.get("X-Quern-Space");
    if (body.model === model.name)
        model.space ||= space || ""; // it is not known before the model was loaded
    if (body.model === model.name && digest(space || model.space) !== digest(model.space))
        throw new Error("The server runs another model now. Load this page again.");
    return { vectors: data.map((item) => decode(item.embedding)), tokens: usage.prompt_tokens };
}

// Cuts a list of texts into batches, one for each request.
function batches(texts) {
    const found = [];
    let letters = Infinity; // so that the first text begins a batch
    for (const text of texts) {
        letters += text.length;
        if (letters > mostLetters || found.at(-1).length === mostInputs) {
            found.push([]);
            letters = text.length;
        }
        found.at(-1).push(text);
    }
    return found;
}

// Returns the vectors of all texts, in their order, and asks the server only for those that are not known yet. Options:
// model, task, title, dimensions, truncate; anew: ask for all of them. The job (see submit.js) is told how many are done between several
// requests. Also returns how many texts it asked for, their tokens, and the milliseconds this took.
export async function embed(texts, { anew, ...options }, job) {
    const begin = performance.now();
    const name = (text) =>
        JSON.stringify([element("cut-long").checked, options, text]);
    const found = new Map([...new Set(texts)].map((text) => [text, anew ? undefined : known.get(name(text))]));
    const missing = [...found.keys()].filter((text) => !found.get(text));
    if (known.size + missing.length > mostKnown)
        known.clear();
    const parts = batches(missing);
    let tokens = 0, done = 0;
    for (const part of parts) {
        if (parts.length > 1)
            job.progress(done, missing.length);
        const answer = await post(part, options, job);
        part.forEach((text, i) => {
            found.set(text, answer.vectors[i]);
            known.set(name(text), answer.vectors[i]);
        });
        done += part.length;
        tokens += answer.tokens;
    }
    return {
        vectors: texts.map((text) => found.get(text)),
        asked: missing.length,
        tokens,
        milliseconds: performance.now() - begin
    };
}
