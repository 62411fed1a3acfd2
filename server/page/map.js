// Draws texts as points of a plane; similar texts lie near each other.
import { cluster, keyWords } from "./clusters.js";
import { offerCsv } from "./csv.js";
import { count, duration, element, fillTasks, isolate, make, plural } from "./elements.js";
import { groups, startPlot } from "./plot.js";
import { embed, model } from "./server.js";
import { onSubmit } from "./submit.js";
import { cosines, plane } from "./vectors.js";

const mostTexts = 500;

// Reads the lines, each with its group; an empty line ends a group.
function read() {
    const found = [];
    let group = 0;
    for (const line of element("map-texts").value.trim().split("\n")) {
        if (line.trim())
            found.push({ text: line.trim(), group });
        else if (found.length && found.at(-1).group === group)
            group++;
    }
    return found;
}

function nearest(items, rows) {
    items.forEach((item, i) => {
        item.near = { text: "", score: -2 };
        rows[i].forEach((score, j) => {
            if (i !== j && score > item.near.score)
                item.near = { text: items[j].text, score };
        });
    });
}

async function table(items, rest) {
    const head = ["Text", "Nearest", "Similarity"].map((name) => make("th", { scope: "col" }, name));
    const rows = [];
    for (const { text, near } of items) {
        rows.push(make("tr", {}, make("th", { scope: "row", dir: "auto" }, text),
            make("td", { dir: "auto" }, near.text), make("td", {}, near.score.toFixed(2))));
        await rest();
    }
    return make("table", {}, make("caption", {}, "Each text and the one nearest to it"),
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

// Without groups of the user's, similar texts make groups of their own.
async function group(items, rows, rest) {
    if (items.at(-1).group > 0 || items.length < 12)
        return;
    const found = await cluster(rows, Math.min(groups, Math.round(Math.sqrt(items.length / 2))), rest);
    items.forEach((item, i) => { item.group = found[i]; });
}

function listGroups(items) {
    const words = keyWords(items.map(({ text }) => text), items.map((item) => item.group));
    element("map-groups").replaceChildren(...words.map((own, i) =>
        make("li", { class: `group-${i % groups}` }, make("span", { class: "dot", "aria-hidden": "true" }),
            `${own.map(isolate).join(", ") || "—"} (${items.filter((item) => item.group === i).length})`)));
}

let show;

async function work(job) {
    const items = read();
    if (items.length < 3 || items.length > mostTexts)
        throw new Error(`Enter 3 to ${mostTexts} lines; there are ${count(items.length)}.`);
    const options = { task: element("map-task").value };
    const { vectors, asked, milliseconds } = await embed(items.map(({ text }) => text), options, job);
    const rows = await cosines(vectors, job.rest);
    const { points, shown } = await plane(rows, job.rest);
    nearest(items, rows);
    await group(items, rows, job.rest);
    element("map-result").hidden = false;
    element("map-card").textContent = "";
    await show(items, points, job.rest);
    listGroups(items);
    element("map-table").replaceChildren(await table(items, job.rest));
    const exact = (x) => x.toFixed(6);
    offerCsv("map", () => [["text", "group", "nearest", "similarity", "x", "y"], ...items.map((item, i) =>
        [item.text, item.group + 1, item.near.text, exact(item.near.score), ...points[i].map(exact)])]);
    const time = asked ? `; ${plural(asked, "new one")} embedded in ${duration(milliseconds)}` : "";
    return `${plural(items.length, "text")}${time}. ` +
        `The plane shows ${Math.round(100 * shown)} % of how they differ.`;
}

export function startMap() {
    fillTasks("map-task", model.tasks, "clustering");
    onSubmit("map", work);
    show = startPlot(({ text, near }) => {
        element("map-card").textContent =
            `${isolate(text)} — nearest: ${isolate(near.text)} (${near.score.toFixed(2)})`;
    });
}
