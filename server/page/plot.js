// The picture of the map: a point for each text, and labels where there is room. Points and labels keep their size when
// the picture is zoomed, so that more labels find room.
import { draw, element } from "./elements.js";
import { startZoom } from "./zoom.js";

export const groups = 6; // colours in the style sheet
const margin = 24;
const radius = 6;
const label = { font: "13px", height: 15, longest: 28 };

// Scales points of any range to the picture, both axes by the same factor.
function place(points, sizes) {
    const ends = (end) => [0, 1].map((axis) => end(...points.map((point) => point[axis])));
    const [low, high] = [ends(Math.min), ends(Math.max)];
    const factor = Math.min(...sizes.map((size, axis) => (size - 2 * margin) / (high[axis] - low[axis] || 1)));
    return points.map((point) => sizes.map((size, axis) =>
        size / 2 + (point[axis] - (low[axis] + high[axis]) / 2) * factor));
}

const apart = (a, b) => a.right < b.left || a.left > b.right || a.bottom < b.top || a.top > b.bottom;

// Where a label of this length goes beside its point: inside the picture, and where it covers nothing, if it can.
function labelBox([x, y], length, [width, height], taken) {
    const boxes = [[x + 9, y - 8], [x - 9 - length, y - 8], [x - length / 2, y - 24], [x - length / 2, y + 8]]
        .map(([left, top]) => ({ left, top, right: left + length, bottom: top + label.height }));
    const free = boxes.find((box) => box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height &&
        taken.every((other) => apart(box, other)));
    const { left, top } = free || boxes[2];
    return { free, x: Math.max(2, Math.min(left, width - length - 2)), y: top + 12 };
}

// Returns show(items, points, rest), which draws items, each with text, group and near, at these points. describe(item)
// is called for the one under the pointer or the focus.
export function startPlot(describe) {
    const plot = element("map-plot");
    const front = draw("text", { class: "front", "aria-hidden": "true" }); // the label of the active item
    const pen = document.createElement("canvas").getContext("2d");
    let marks = []; // item, node, words, short, length (of the label), at (in the whole picture), seen (on the screen)
    let points = [], sizes = [1, 1], active;

    const zoom = startZoom(plot, element("map-zoom").querySelectorAll("button"), {
        changed: arrange,
        centre: () => marks.find(({ node }) => node === document.activeElement)?.seen
    });

    function arrange() {
        for (const mark of marks) {
            mark.seen = zoom.onScreen(mark.at);
            mark.node.setAttribute("transform", `translate(${mark.seen.map((x) => x.toFixed(1)).join(" ")})`);
        }
        const isInside = ({ seen }) => seen.every((x, axis) => x >= 0 && x <= sizes[axis]);
        const taken = marks.filter(isInside).map(({ seen: [x, y] }) =>
            ({ left: x - radius, top: y - radius, right: x + radius, bottom: y + radius }));
        for (const mark of marks) {
            mark.box = isInside(mark) ? labelBox(mark.seen, mark.length, sizes, taken) : undefined;
            mark.node.classList.toggle("labelled", Boolean(mark.box?.free));
            if (!mark.box?.free)
                continue;
            taken.push(mark.box.free);
            mark.words.setAttribute("x", (mark.box.x - mark.seen[0]).toFixed(1));
            mark.words.setAttribute("y", (mark.box.y - mark.seen[1]).toFixed(1));
        }
        showFront();
    }

    function showFront() {
        front.textContent = active?.box ? active.short : "";
        front.setAttribute("x", active?.box?.x.toFixed(1) ?? 0);
        front.setAttribute("y", active?.box?.y.toFixed(1) ?? 0);
    }

    function activate(mark) {
        active?.node.classList.remove("active");
        active = mark;
        active.node.classList.add("active");
        showFront();
        describe(mark.item);
    }

    function makeMark(item, index) {
        const short = item.text.length > label.longest ? `${item.text.slice(0, label.longest - 1)}…` : item.text;
        const words = draw("text", { "aria-hidden": "true" }, short);
        const node = draw("g", {
            class: `point group-${item.group % groups}`, tabindex: index ? -1 : 0, role: "img",
            "aria-label": `${item.text}; nearest: ${item.near.text}, ${item.near.score.toFixed(2)}`
        }, draw("title", {}, item.text), draw("circle", { r: radius }), words);
        const mark = { item, node, words, short, length: pen.measureText(short).width };
        node.addEventListener("pointerenter", () => activate(mark));
        node.addEventListener("focus", () => {
            activate(mark);
            zoom.reveal(mark.at, margin);
        });
        return mark;
    }

    // Fits the picture to the room that there is.
    function fit() {
        const width = Math.max(280, plot.parentElement.clientWidth);
        sizes = [width, Math.round(Math.min(width, 520))];
        plot.setAttribute("viewBox", `0 0 ${sizes.join(" ")}`);
        place(points, sizes).forEach((at, i) => { marks[i].at = at; });
        zoom.begin(...sizes);
    }

    // One stop for the Tab key; arrows go from point to point in the order of the texts.
    plot.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        const from = marks.findIndex(({ node }) => node === event.target);
        if (!step || event.shiftKey || from < 0)
            return;
        event.preventDefault();
        const next = marks.at((from + step) % marks.length).node;
        marks[from].node.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    });
    new ResizeObserver(() => {
        if (marks.length && plot.parentElement.clientWidth && plot.parentElement.clientWidth !== sizes[0])
            fit();
    }).observe(plot.parentElement);

    return async (items, places, rest) => {
        pen.font = `${label.font} ${getComputedStyle(plot).fontFamily}`;
        const made = [];
        for (const [i, item] of items.entries()) {
            made.push(makeMark(item, i));
            await rest();
        }
        [marks, points, active] = [made, places, undefined];
        plot.replaceChildren(...marks.map(({ node }) => node), front);
        fit();
    };
}
