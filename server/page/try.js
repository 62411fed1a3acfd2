// Shows the vector of one text as bars and numbers.
import { copy, draw, duration, element, fillTasks, make, plural } from "./elements.js";
import { embed, model } from "./server.js";
import { onSubmit } from "./submit.js";
import { dot } from "./vectors.js";

let shown = [];

function bars(vector) {
    const tallest = vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
    const path = [...vector].map((x, i) => `M${i} 0h.8v${(-x / tallest).toFixed(4)}h-.8z`).join("");
    const picture = element("try-bars");
    picture.setAttribute("viewBox", `0 -1 ${vector.length} 2`);
    picture.setAttribute("preserveAspectRatio", "none");
    const [low, high] = [Math.min(...vector), Math.max(...vector)].map((x) => x.toFixed(3));
    picture.setAttribute("aria-label", `The vector's ${vector.length} numbers as bars, from ${low} to ${high}`);
    picture.replaceChildren(draw("line", { x1: 0, x2: vector.length, y1: 0, y2: 0 }), draw("path", { d: path }));
}

async function work(job) {
    const options = { task: element("try-task").value, anew: true }; // so that its time can be shown
    const dimensions = Number(element("try-dimensions").value);
    if (dimensions !== model.dimensions)
        options.dimensions = dimensions;
    if (options.task === "document" && element("try-title").value)
        options.title = element("try-title").value;
    const { vectors: [vector], tokens, milliseconds } = await embed([element("try-text").value], options, job);
    shown = vector;
    bars(vector);
    const begin = [...vector.slice(0, 8)].map((x) => x.toFixed(5)).join(", ");
    element("try-numbers").textContent = `[${begin}${vector.length > 8 ? ", …" : ""}]`;
    element("try-result").hidden = false;
    return `${plural(tokens, "token")}, ${plural(vector.length, "dimension")}, ` +
        `length ${Math.sqrt(dot(vector, vector)).toFixed(4)}, in ${duration(milliseconds)}.`;
}

export function startTry() {
    const whole = model.dimensions;
    fillTasks("try-task", model.tasks, "query");
    element("try-hint").hidden = model.tasks.length < 2;
    element("try-dimensions").max = whole;
    element("try-dimensions").value = whole;
    element("cuts").replaceChildren(...[whole, 512, 256, 128, 64].filter((cut, i) => !i || cut < whole)
        .map((cut) => make("option", { value: cut })));
    const task = element("try-task");
    const title = () => { element("try-title-field").hidden = task.value !== "document"; };
    task.addEventListener("change", title);
    title();
    element("try-copy").addEventListener("click", () => copy(JSON.stringify([...shown]), "try-status"));
    onSubmit("try", work);
}
