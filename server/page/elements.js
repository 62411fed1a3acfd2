// Elements, forms and their status lines.

export const element = (id) => document.getElementById(id);

// make("li", {class: "x"}, child or text...)
export function make(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
    return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes))
        node.setAttribute(name, value);
    node.append(...children);
    return node;
}

export const lines = (id) => element(id).value.split("\n").map((line) => line.trim()).filter(Boolean);

export const count = (number) => number.toLocaleString("en");
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

// A text in a sentence, which may run from right to left without turning its neighbours.
export const isolate = (text) => `\u2068${text}\u2069`;

const longest = 80; // letters of a text in a short sentence

export const quote = (text) => isolate(text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

export function duration(milliseconds) {
    return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${count(Math.round(milliseconds))} ms`;
}

// Shows a text in a status line. heard is told to those who hear it only, as others see it elsewhere.
export function say(id, text, isProblem = false, heard = "") {
    const status = element(id);
    status.replaceChildren(text, ...heard ? [make("span", { class: "hidden-text" }, ` ${heard}`)] : []);
    status.classList.toggle("problem", isProblem);
}

// A menu with one entry is no choice: it is not shown.
export function fillTasks(id, tasks, wanted) {
    element(id).parentElement.hidden = tasks.length < 2;
    const labels = { none: "none: exactly as given" };
    element(id).replaceChildren(...tasks.map((task) => make("option", { value: task }, labels[task] || task)));
    element(id).value = tasks.includes(wanted) ? wanted : tasks[0];
}

export async function copy(text, status) {
    try {
        await navigator.clipboard.writeText(text);
        say(status, "Copied.");
    } catch {
        say(status, "The browser does not allow copying.", true);
    }
}
