// The page: tabs, the key, and what each tab does.
import { key, useKey } from "./ask.js";
import { startCode } from "./code.js";
import { startCompare } from "./compare.js";
import { count, element } from "./elements.js";
import { startFiles } from "./files.js";
import { startLive } from "./live.js";
import { startMap } from "./map.js";
import { startSearch } from "./search.js";
import { connect, model } from "./server.js";
import { startTabs } from "./tabs.js";
import { startTexts } from "./texts.js";
import { startTry } from "./try.js";

let hasBegun = false;

async function start() {
    try {
        const info = await connect({ tell: (text) => { element("model").textContent = text; } });
        element("model").textContent = `${model.name}, ${model.dimensions} dimensions, ` +
            `texts of up to ${count(info.max_input_length)} tokens`;
        element("space").textContent = model.space ? `Vectors of this server belong to the space ${model.space}.` : "";
        element("key-form").hidden = true;
        offerModels(info.models || []);
        element("starter").hidden = info.general_name !== "quern starter"; // as its file says, whatever it is called
        element("notice").hidden = !info.notice;
        element("notice").textContent = info.notice || "";
    } catch (error) {
        element("model").textContent = error.message;
        return;
    }
    if (hasBegun)
        return; // the key was changed while the page was open
    hasBegun = true;
    [startTexts, startTry, startCompare, startSearch, startMap, startCode, startLive].forEach((begin) => begin());
    startFiles().catch(() => {}); // then there is no such tab
    element("search-form").requestSubmit(); // the first thing to see is a result
}

// A menu of the server's models, if there is a choice. Another model is another page.
function offerModels(models) {
    const menu = element("model-choice");
    menu.replaceChildren(...models.map(({ name }) => new Option(name, name, false, name === model.name)));
    element("model-field").hidden = models.length < 2;
    menu.onchange = () => { location.search = new URLSearchParams({ model: menu.value }); };
}

document.addEventListener("key-wanted", () => {
    element("key-form").hidden = false;
    const isWrong = Boolean(key());
    element("key-problem").hidden = !isWrong;
    element("key").setAttribute("aria-invalid", String(isWrong));
});
element("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    useKey(element("key").value);
    start();
});

startTabs();
start();
