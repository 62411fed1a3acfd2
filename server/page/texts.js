// The texts that a user enters: kept from one visit to the next, set back to the example, read from a dropped file.
import { element, say } from "./elements.js";

const mostKept = 200000; // letters of a field that is kept
const mostDropped = 1 << 20; // bytes of a file
export const mostLines = 2000; // of a file, and of a search
const tables = /\.(csv|tsv|json|jsonl|ndjson)$/i; // names of files whose lines are not only text

const fields = () => [...document.querySelectorAll("main textarea, main input[type=text], main input[type=search]")];
const place = (field) => `quern-text-${field.id}`;
const formOf = (field) => field.closest("form").id.replace("-form", "");

function keep(field) {
    try {
        if (field.value.length <= mostKept && field.value !== field.defaultValue)
            localStorage.setItem(place(field), field.value);
        else
            localStorage.removeItem(place(field));
    } catch { /* the browser keeps nothing: the page works without */ }
    showReset(field);
}

// A form whose texts are not the example has a button that brings the example back.
function showReset(field) {
    const form = field.closest("form");
    const button = form.querySelector(".reset");
    if (button)
        button.hidden = [...form.querySelectorAll("textarea, input[type=text], input[type=search]")]
            .every((other) => other.value === other.defaultValue);
}

function restore(field) {
    try {
        field.value = localStorage.getItem(place(field)) ?? field.defaultValue;
    } catch { /* nothing is kept */ }
    showReset(field);
}

function reset(form) {
    for (const field of form.querySelectorAll("textarea, input[type=text], input[type=search]")) {
        field.value = field.defaultValue;
        keep(field);
    }
    form.requestSubmit();
}

// The text of a dropped file, or an error with a sentence for the user.
async function readDropped(file) {
    if (file.size > mostDropped)
        throw new Error(`${file.name} is too large for this page: it takes files of up to 1 MB.`);
    let text;
    try {
        text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch {
        text = "\0";
    }
    if (text.includes("\0"))
        throw new Error(`${file.name} is not text in UTF-8. Save it as a text file with one text on each line.`);
    const lines = text.split(/\r\n|\r|\n/).filter((line) => line.trim());
    if (lines.length === 0)
        throw new Error(`${file.name} has no text in it.`);
    return lines;
}

async function drop(event, field) {
    const { files } = event.dataTransfer;
    if (files.length === 0)
        return;
    event.preventDefault();
    field.classList.remove("wanted");
    const name = formOf(field);
    try {
        if (files.length > 1)
            throw new Error("These are several files. Drop one at a time.");
        const file = files[0], lines = await readDropped(file);
        field.value = lines.slice(0, mostLines).join("\n");
        keep(field);
        const taken = lines.length > mostLines
            ? `The first ${mostLines} of ${lines.length} lines of ${file.name} were taken`
            : `${lines.length} lines of ${file.name} were taken`;
        if (tables.test(file.name)) { // the notice stays until the user goes on
            say(`${name}-status`, `${taken} as they stand, with their commas, quotes and names. `
                + "Take the texts out of the file first, or go on with these lines.", true);
            return;
        }
        say(`${name}-status`, `${taken}.`);
        field.form.requestSubmit();
    } catch (error) {
        say(`${name}-status`, error.message, true);
    }
}

export function startTexts() {
    for (const field of fields()) {
        field.dir = "auto";
        restore(field);
        field.addEventListener("input", () => keep(field));
        if (field.tagName !== "TEXTAREA")
            continue;
        field.addEventListener("keydown", (event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey))
                field.form.requestSubmit();
        });
        field.addEventListener("dragover", (event) => {
            event.preventDefault();
            field.classList.add("wanted");
        });
        field.addEventListener("dragleave", () => field.classList.remove("wanted"));
        field.addEventListener("drop", (event) => drop(event, field));
    }
    for (const button of document.querySelectorAll(".reset"))
        button.addEventListener("click", () => reset(button.form));
    element("cut-long").addEventListener("change", () => {
        const shown = document.querySelector("[role=tabpanel]:not([hidden]) form");
        shown?.requestSubmit();
    });
}
