// Rates and the queue, read from /metrics every two seconds while the page is visible.
import { request } from "./ask.js";
import { count, draw, element } from "./elements.js";

const every = 2000; // ms
const kept = 60; // rates that the curve shows

const rates = [];
let last;

// For each metric, the sum of its samples over all labels.
export function parse(text) {
    const sums = {};
    for (const line of text.split("\n")) {
        const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)/.exec(line) || [];
        if (name)
            sums[name] = (sums[name] || 0) + Number(value);
    }
    return sums;
}

function curve() {
    const most = Math.max(...rates, 1);
    const begin = kept - rates.length;
    const path = rates.map((rate, i) => `${i ? "L" : "M"}${begin + i} ${(1 - rate / most).toFixed(3)}`).join("");
    const picture = element("live-curve");
    picture.setAttribute("viewBox", `0 -0.05 ${kept - 1} 1.1`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.replaceChildren(draw("path", { d: path }));
}

async function look() {
    const now = performance.now();
    const sums = parse((await request("/metrics")).text);
    if (last) {
        const seconds = (now - last.now) / 1000;
        const rate = (name) => Math.max(0, ((sums[name] || 0) - (last.sums[name] || 0)) / seconds);
        const show = (id, value) => {
            const few = value < 10 && value % 1;
            element(id).textContent = few ? value.toFixed(1) : count(Math.round(value));
        };
        show("live-texts", rate("te_embed_count"));
        show("live-tokens", rate("quern_tokens_total"));
        rates.push(rate("te_embed_count"));
        rates.splice(0, rates.length - kept);
        curve();
    }
    element("live-queue").textContent = count(sums.te_queue_size || 0);
    last = { now, sums };
}

// Without an answer there are no figures.
function forget() {
    last = undefined;
    for (const id of ["live-texts", "live-tokens", "live-queue"])
        element(id).textContent = "–";
}

export function startLive() {
    setInterval(() => {
        if (!document.hidden)
            look().catch(forget);
    }, every);
    look().catch(() => {});
}
