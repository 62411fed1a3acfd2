// Searches in the server's indexes, and shows the passages of files that are nearest in meaning to a query.
import { ask } from "./ask.js";
import { count, duration, element, make, plural, quote } from "./elements.js";
import { bestSentences } from "./sentences.js";
import { onSubmit } from "./submit.js";
import { showTab } from "./tabs.js";

const mostLetters = 500; // of a passage
const lettersBefore = 120; // the best sentence, when it is not near the beginning

let indexes = [];

// The file and the line, or the name of a text that is no file.
const place = ({ path, id, line }) => `${path ?? id}${line ? `:${line}` : ""}`;

// What is shown of a passage: its beginning, or what stands around its best sentence, which is marked.
function excerpt(text, sentence) {
    const [begin, end] = sentence ?? [0, 0];
    const from = end > mostLetters ? Math.max(0, begin - lettersBefore) : 0;
    const to = Math.min(text.length, Math.max(end, from + mostLetters));
    return [from > 0 ? "…" : "", text.slice(from, begin), ...sentence ? [make("mark", {}, text.slice(begin, end))] : [],
        text.slice(end, to).trimEnd(), to < text.length ? "…" : ""];
}

function item(hit, best) {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.transform = `scaleX(${best > 0 ? Math.max(0, hit.score / best) : 0})`;
    return make("li", {}, make("span", { class: "score" }, hit.score.toFixed(3)),
        make("div", {}, make("p", { class: "title", dir: "auto" }, hit.title || place(hit)),
            make("p", { class: "place" }, place(hit)),
            make("p", { class: "passage", dir: "auto" }, ...excerpt(hit.text || ""))), bar);
}

// Marks the best sentence of each passage that is shown. Without the marks, the passages are still what was looked for.
async function mark(query, hits, model, dimensions, job) {
    const texts = hits.map(({ text }) => text || "");
    let best = [];
    try {
        best = await bestSentences(query, texts, { model, dimensions }, job);
    } catch { /* the server has too much to do, or it was stopped */ }
    if (job.signal.aborted) // the passages may be those of another query now
        return;
    const shown = element("files-result").querySelectorAll(".passage");
    best.forEach((sentence, i) => sentence && shown[i].replaceChildren(...excerpt(texts[i], sentence)));
}

async function work(job) {
    const begin = performance.now();
    const index = indexes.find(({ name }) => name === element("files-index").value);
    const query = element("files-query").value.trim();
    if (!query)
        throw new Error("Enter a query.");
    const body = { query, k: 10, index: index.name, hybrid: element("files-words").checked };
    const { answer: { hits, model } } = await ask("/search", body, job);
    const result = element("files-result");
    result.replaceChildren(...hits.map((hit) => item(hit, hits[0].score)));
    result.hidden = hits.length === 0;
    if (!hits.length)
        return "Nothing was found.";
    const took = duration(performance.now() - begin);
    await mark(query, hits, model, index.dimensions, job);
    return [`${plural(hits.length, "passage")} in ${took}.`, `Best: ${quote(hits[0].title || place(hits[0]))}`];
}

// Shows the tab if the server has indexes.
export async function startFiles() {
    onSubmit("files", work);
    ({ answer: { indexes } } = await ask("/index", undefined, { tell: () => {} }));
    const menu = element("files-index");
    menu.replaceChildren(...indexes.map(({ name }) => make("option", { value: name }, name)));
    element("files-index-field").hidden = indexes.length < 2;
    const tell = () => {
        const { rows } = indexes.find(({ name }) => name === menu.value);
        element("files-rows").textContent = rows === undefined ? "" : `The index has ${count(rows)} passages.`;
    };
    menu.addEventListener("change", tell);
    if (!indexes.length)
        return;
    tell();
    showTab("files");
}
