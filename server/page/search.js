// Ranks lines by a query, again after every change.
import { offerCsv } from "./csv.js";
import { duration, element, lines, make, onSubmit, plural, say } from "./elements.js";
import { embed, model } from "./server.js";
import { cosine } from "./vectors.js";

const mostShown = 20;

const taskOr = (task) => model.tasks.includes(task) ? task : model.tasks[0];

function item({ text, score }, best) {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.transform = `scaleX(${best > 0 ? Math.max(0, score / best) : 0})`;
    return make("li", {}, make("span", { class: "score" }, score.toFixed(3)), make("span", { dir: "auto" }, text), bar);
}

async function work({ signal, rest }) {
    const query = element("search-query").value.trim();
    const texts = [...new Set(lines("search-lines"))];
    if (!query || !texts.length)
        throw new Error("Enter a query, and lines to search in.");
    const progress = (done, all) => say("search-status", `${done} of ${all} lines embedded…`);
    const documents = await embed(texts, { task: taskOr("document"), progress }, signal);
    const asked = await embed([query], { task: taskOr("query") }, signal);
    const ranked = [];
    for (let i = 0; i < texts.length; i++) {
        ranked.push({ text: texts[i], score: cosine(asked.vectors[0], documents.vectors[i]) });
        await rest();
    }
    ranked.sort((a, b) => b.score - a.score);
    const result = element("search-result");
    result.replaceChildren(...ranked.slice(0, mostShown).map((entry) => item(entry, ranked[0].score)));
    result.hidden = false;
    offerCsv("search", () => [["score", "text"], ...ranked.map(({ text, score }) => [score.toFixed(6), text])]);
    const lineTime = `, ${plural(documents.asked, "new line")} in ${duration(documents.milliseconds)}`;
    return `${plural(texts.length, "line")} ranked: query in ${duration(asked.milliseconds)}` +
        `${documents.asked ? lineTime : ""}. Best: ${ranked[0].text}`;
}

export function startSearch() {
    if (model.tasks.includes("query"))
        element("search-prompts").textContent =
            "The query gets the model's prompt for queries, the lines get the one for documents.";
    const form = onSubmit("search", work);
    let timer;
    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
            if (!element("search-result").hidden && form.checkValidity())
                form.requestSubmit();
        }, 250);
    });
}
