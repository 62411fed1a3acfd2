// Ranks lines by a query, again after every change.
import { offerCsv } from "./csv.js";
import { count, duration, element, lines, make, plural, quote } from "./elements.js";
import { embed, model } from "./server.js";
import { onSubmit } from "./submit.js";
import { mostLines } from "./texts.js";
import { cosine } from "./vectors.js";

const mostShown = 20;

const taskOr = (task) => model.tasks.includes(task) ? task : model.tasks[0];

function item({ text, score }, best) {
    const bar = make("span", { class: "bar", "aria-hidden": "true" });
    bar.style.transform = `scaleX(${best > 0 ? Math.max(0, score / best) : 0})`;
    return make("li", {}, make("span", { class: "score" }, score.toFixed(3)), make("span", { dir: "auto" }, text), bar);
}

async function work(job) {
    const query = element("search-query").value.trim();
    const texts = [...new Set(lines("search-lines"))];
    if (!query || !texts.length || texts.length > mostLines)
        throw new Error(`Enter a query and 1 to ${count(mostLines)} lines; there are ${count(texts.length)}.`);
    const documents = await embed(texts, { task: taskOr("document") }, job);
    const asked = await embed([query], { task: taskOr("query") }, job);
    const ranked = [];
    for (let i = 0; i < texts.length; i++) {
        ranked.push({ text: texts[i], score: cosine(asked.vectors[0], documents.vectors[i]) });
        await job.rest();
    }
    ranked.sort((a, b) => b.score - a.score);
    const result = element("search-result");
    result.replaceChildren(...ranked.slice(0, mostShown).map((entry) => item(entry, ranked[0].score)));
    result.hidden = false;
    offerCsv("search", () => [["score", "text"], ...ranked.map(({ text, score }) => [score.toFixed(6), text])]);
    const times = [["query", asked], [plural(documents.asked, "new line"), documents]]
        .filter(([, work]) => work.asked).map(([what, work]) => `${what} in ${duration(work.milliseconds)}`);
    return [`${plural(texts.length, "line")} ranked${times.length ? `: ${times.join(", ")}` : ""}.`,
        `Best: ${quote(ranked[0].text)}`];
}

export function startSearch() {
    if (model.tasks.includes("query"))
        element("search-prompts").textContent =
            "The query gets the model's prompt for queries, the lines get the one for documents.";
    const form = onSubmit("search", work);
    let timer;
    form.addEventListener("submit", () => clearTimeout(timer));
    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
            if (!element("search-result").hidden && form.checkValidity())
                form.requestSubmit();
        }, 250);
    });
}
