// Elements, forms and their status lines.
import { slices } from "./slices.js";

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

export const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

export function duration(milliseconds) {
    return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds).toLocaleString("en")} ms`;
}

export function say(id, text, isProblem = false) {
    const status = element(id);
    status.textContent = text;
    status.classList.toggle("problem", isProblem);
}

// When the form NAME-form is submitted, calls work(job), which returns the text for NAME-status. A job has a signal and
// rest() for long work (see slices.js). A second submit cancels the first.
export function onSubmit(name, work) {
    const form = element(`${name}-form`);
    let current;
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        current?.abort();
        const mine = new AbortController();
        current = mine;
        form.setAttribute("aria-busy", "true");
        try {
            const text = await work({ signal: mine.signal, rest: slices(mine.signal) });
            if (current === mine)
                say(`${name}-status`, text);
        } catch (error) {
            if (current === mine)
                say(`${name}-status`, error.message, true);
        }
        if (current === mine)
            form.removeAttribute("aria-busy");
    });
    return form;
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
