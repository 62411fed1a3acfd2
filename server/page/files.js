// Searches in the server's indexes, and shows the passages of files that are nearest in meaning to a query.
import { ask } from "./ask.js";
import { count, duration, element, make, plural, quote } from "./elements.js";
import { model } from "./server.js";
import { onSubmit } from "./submit.js";
import { showTab } from "./tabs.js";

const mostLetters = 500; // of a passage

let indexes = [];

// The file and the line, or the name of a text that is no file.
const place = ({ path, id, line }) => `${path ?? id}${line ? `:${line}` : ""}`;

function item(hit, best) {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.transform = `scaleX(${best > 0 ? Math.max(0, hit.score / best) : 0})`;
    const text = (hit.text || "").trim();
    const shown = text.length > mostLetters ? `${text.slice(0, mostLetters - 1)}…` : text;
    return make("li", {}, make("span", { class: "score" }, hit.score.toFixed(3)),
        make("div", {}, make("p", { class: "title", dir: "auto" }, hit.title || place(hit)),
            make("p", { class: "place" }, place(hit)), make("p", { class: "passage", dir: "auto" }, shown)), bar);
}

async function work(job) {
    const begin = performance.now();
    const body = { model: model.name, query: element("files-query").value.trim(), k: 10,
        index: element("files-index").value, hybrid: element("files-words").checked };
    if (!body.query)
        throw new Error("Enter a query.");
    const { answer: { hits } } = await ask("/search", body, job);
    const result = element("files-result");
    result.replaceChildren(...hits.map((hit) => item(hit, hits[0].score)));
    result.hidden = hits.length === 0;
    if (!hits.length)
        return "Nothing was found.";
    return [`${plural(hits.length, "passage")} in ${duration(performance.now() - begin)}.`,
        `Best: ${quote(hits[0].title || place(hits[0]))}`];
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
