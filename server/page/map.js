// Draws texts as points of a plane; similar texts lie near each other.
import { cluster, keyWords } from "./clusters.js";
import { offerCsv } from "./csv.js";
import { count, draw, duration, element, fillTasks, make, plural } from "./elements.js";
import { embed, model } from "./server.js";
import { onSubmit } from "./submit.js";
import { cosines, plane } from "./vectors.js";
import { startZoom } from "./zoom.js";

const mostTexts = 500;
const groups = 6; // colours in the style sheet
const margin = 24;
const letter = { width: 7.2, height: 15 }; // of a label, about
const longest = 28; // letters of a label

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

// Scales points of any range to the picture, both axes by the same factor.
function place(points, width, height) {
    const sizes = [width, height];
    const ends = (end) => [0, 1].map((axis) => end(...points.map((point) => point[axis])));
    const [low, high] = [ends(Math.min), ends(Math.max)];
    const factor = Math.min(...sizes.map((size, axis) => (size - 2 * margin) / (high[axis] - low[axis] || 1)));
    return points.map((point) => sizes.map((size, axis) =>
        size / 2 + (point[axis] - (low[axis] + high[axis]) / 2) * factor));
}

// Where a label goes beside its point, if it can without covering another; inside the picture in any case.
function labelBox([x, y], text, width, taken) {
    const size = text.length * letter.width;
    const left = (at) => Math.max(2, Math.min(at, width - size - 2));
    const boxes = [[x + 9, y - 8], [x - 9 - size, y - 8], [x - size / 2, y - 24], [x - size / 2, y + 8]]
        .map(([at, top]) => ({ left: at, top, right: at + size, bottom: top + letter.height }));
    const free = boxes.find((box) => box.left >= 0 && box.right <= width && taken.every((other) =>
        box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom));
    if (free)
        taken.push(free);
    return { free: Boolean(free), x: left((free || boxes[2]).left), y: (free || boxes[2]).top + 12 };
}

function paint(items, points) {
    const plot = element("map-plot");
    const width = Math.max(280, plot.parentElement.clientWidth);
    const height = Math.round(Math.min(width, 520));
    const placed = place(points, width, height);
    const taken = placed.map(([x, y]) => ({ left: x - 6, top: y - 6, right: x + 6, bottom: y + 6 }));
    setSize(width, height);
    plot.replaceChildren(...items.map(({ text, group, near }, i) => {
        const short = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
        const [x, y] = placed[i];
        const label = labelBox(placed[i], short, width, taken);
        const point = draw("g", {
            class: `point group-${group % groups}${label.free ? " labelled" : ""}`,
            tabindex: i ? -1 : 0, role: "img", "aria-label": `${text}; nearest: ${near.text}, ${near.score.toFixed(2)}`
        }, draw("title", {}, text), draw("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 6 }),
        draw("text", { x: label.x.toFixed(1), y: label.y.toFixed(1), "aria-hidden": "true" }, short));
        const card = () => {
            element("map-card").textContent = `${text} — nearest: ${near.text} (${near.score.toFixed(2)})`;
        };
        point.addEventListener("pointerenter", () => {
            plot.append(point); // in front of the others
            card();
        });
        point.addEventListener("focus", card);
        return point;
    }));
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

function table(items) {
    const head = ["Text", "Nearest", "Similarity"].map((name) => make("th", { scope: "col" }, name));
    const rows = items.map(({ text, near }) => make("tr", {}, make("th", { scope: "row" }, text),
        make("td", {}, near.text), make("td", {}, near.score.toFixed(2))));
    return make("table", {}, make("caption", {}, "Each text and the one nearest to it"),
        make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

// One stop for the Tab key; arrows go from point to point.
function walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const points = [...element("map-plot").querySelectorAll(".point")];
    const at = points.indexOf(event.target.closest(".point"));
    if (!step || at < 0)
        return;
    event.preventDefault();
    points[at].tabIndex = -1;
    const next = points.at((at + step) % points.length);
    next.tabIndex = 0;
    next.focus();
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
            `${own.join(", ") || "—"} (${items.filter((item) => item.group === i).length})`)));
}

let redraw = () => {}, setSize = () => {};

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
    listGroups(items);
    const exact = (x) => x.toFixed(6);
    offerCsv("map", () => [["text", "group", "nearest", "similarity", "x", "y"], ...items.map((item, i) =>
        [item.text, item.group + 1, item.near.text, exact(item.near.score), ...points[i].map(exact)])]);
    element("map-result").hidden = false;
    redraw = () => paint(items, points);
    redraw();
    element("map-table").replaceChildren(table(items));
    return `${plural(items.length, "text")}; ${plural(asked, "new one")} embedded in ${duration(milliseconds)}. ` +
        `The plane shows ${Math.round(100 * shown)} % of how they differ.`;
}

export function startMap() {
    fillTasks("map-task", model.tasks, "clustering");
    onSubmit("map", work);
    element("map-plot").addEventListener("keydown", walk);
    setSize = startZoom(element("map-plot"), element("map-zoom").querySelectorAll("button"));
    window.addEventListener("resize", () => redraw());
}
