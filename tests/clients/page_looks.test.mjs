// How the page looks at any width and with any text: nothing is cut off or covered, texts stay texts, and what is
// missing or too much has a sentence.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { browser, expectProblems, open } from "./browser.mjs";
import { address } from "./library.mjs";

const { SHOTS: shots } = process.env;
const tabs = ["search", "compare", "map", "try", "code"];
const fields = { search: "search-lines", compare: "compare-texts", map: "map-texts", try: "try-text" };

// Submits the form of the tab that is open, and waits for its result.
async function run(seen, tab, texts) {
    if (texts)
        await seen.locator(`#${fields[tab]}`).evaluate((field, value) => { field.value = value; }, texts.join("\n"));
    await seen.locator(`#${tab}-status`).evaluate((node) => { node.textContent = ""; });
    await seen.click(`#${tab}-form button:not(.quiet)`);
    await seen.locator(`#${tab}-status`).filter({ hasText: "." }).waitFor();
    await seen.locator(`#${tab}-form[aria-busy]`).waitFor({ state: "detached" });
}

// What is wrong with the room that things have: wider than the window, outside of it, or over each other.
const faults = (seen) => seen.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const kinds = "h1, h2, p, dl > div, label, input, textarea, select, button, li, pre, summary, table, svg";
    const nodes = [...document.querySelectorAll(kinds)].filter((node) => node.getClientRects().length &&
        getComputedStyle(node).clipPath === "none");
    const name = (node) => `${node.tagName} ${node.id || node.textContent.slice(0, 30)}`;
    const boxes = nodes.map((node) => node.getBoundingClientRect());
    const found = [];
    if (document.documentElement.scrollWidth > width)
        found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    nodes.forEach((a, i) => {
        if (!a.closest(".scroll") && (boxes[i].left < 0 || boxes[i].right > width + 0.5))
            found.push(`${name(a)} goes from ${boxes[i].left} to ${boxes[i].right}`);
        nodes.slice(i + 1).forEach((b, j) => {
            const [x, y] = [boxes[i], boxes[i + 1 + j]];
            if (!a.contains(b) && !b.contains(a) && !a.closest(".scroll") && !b.closest(".scroll") &&
                Math.min(x.right, y.right) - Math.max(x.left, y.left) > 1 &&
                Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top) > 1)
                found.push(`${name(a)} covers ${name(b)}`);
        });
    });
    return found;
});

test("at every width, in light and dark, nothing is cut off or covered", async () => {
    for (const [scheme, width] of [["light", 320], ["dark", 360], ["light", 768], ["dark", 1000], ["light", 1000],
        ["light", 1280], ["dark", 1920]]) {
        const seen = await open({ scheme, width, fresh: true });
        for (const tab of tabs) {
            await seen.click(`#tab-${tab}`);
            if (tab !== "code")
                await run(seen, tab);
            assert.equal(await seen.locator(`#${tab}-status.problem`).count(), 0);
            assert.deepEqual(await faults(seen), [], `${tab} at ${width}`);
            const shot = await seen.screenshot({ path: `${shots}/${scheme}-${width}-${tab}.png`, fullPage: true });
            assert.ok(shot.length > 8000, "a picture with something in it");
        }
        await seen.close();
    }
});

const hostile = ["<img src=x onerror=alert(1)>", "\"><script>alert(2)</script>", "</textarea><b>x</b>",
    "&lt;i&gt; &amp;"];
const arabic = ["كيف أصل إلى المطار؟", "يغادر القطار كل عشرين دقيقة (12:30).", "المكتبة مغلقة", "abc عربي 123"];
const long = ["W".repeat(120), `https://example.org/${"a-".repeat(50)}`, "漢字".repeat(30), "a b ".repeat(20).trim()];

test("markup, writing from right to left and endless words are texts like others", async () => {
    for (const [width, texts] of [[360, hostile], [1280, arabic], [360, long], [360, arabic], [1280, long]]) {
        const seen = await open({ width, fresh: true });
        for (const tab of tabs.slice(0, 4)) {
            await seen.click(`#tab-${tab}`);
            if (tab === "search")
                await seen.locator("#search-query").evaluate((field, value) => { field.value = value; }, texts[0]);
            await run(seen, tab, tab === "try" ? texts.slice(0, 1) : texts);
            assert.equal(await seen.locator(`#${tab}-status.problem`).count(), 0);
            assert.deepEqual(await faults(seen), [], `${tab} at ${width} with ${texts[0].slice(0, 20)}`);
            assert.equal(await seen.locator("main :is(img, script, b, i)").count(), 0);
            const shown = { search: "#search-result li", compare: "#compare-result tr", map: "#map-plot title" }[tab];
            const all = shown ? await seen.locator(shown).allTextContents() : [];
            texts.forEach((text) => assert.ok(!shown || all.some((other) => other.includes(text)), text));
        }
        await seen.close();
    }
});

test("from right to left: lines of results begin at the right, sentences stay as they are", async () => {
    const seen = await open({ tab: "search", fresh: true });
    await run(seen, "search", arabic);
    const sides = await seen.locator("#search-result li").evaluateAll((all) => all.map((item) => {
        const [text] = item.querySelectorAll("[dir]");
        return [getComputedStyle(text).direction, text.textContent];
    }));
    sides.forEach(([direction, text]) => assert.equal(direction, /^[a-z]/.test(text) ? "ltr" : "rtl", text));
    assert.equal(await seen.locator("#search-status").evaluate((node) => getComputedStyle(node).direction), "ltr");
    assert.match(await seen.textContent("#search-status .hidden-text"), /^ Best: \u2068.*\u2069$/);
    await seen.click("#tab-map");
    await run(seen, "map", arabic);
    assert.match(await seen.textContent("#map-groups"), /^(\u2068[^\u2069]+\u2069(, )?){3} \(4\)$/);
    assert.equal(await seen.locator("#map-plot text").first().evaluate((node) => getComputedStyle(node).unicodeBidi),
        "plaintext");
    await seen.close();
});

test("nothing entered, or too much, has a sentence and asks for nothing", async () => {
    const seen = await open({ fresh: true });
    let asked = 0;
    const lines = (count) => Array.from({ length: count }, (_, i) => `line ${i}`);
    await seen.locator("#search-result li").first().waitFor({ state: "attached" });
    seen.on("request", (request) => { asked += request.url().endsWith("/v1/embeddings"); });
    for (const [tab, texts, says] of [
        ["search", [" ", "\t"], "Enter a query and 1 to 2,000 lines; there are 0."],
        ["search", lines(2001), "Enter a query and 1 to 2,000 lines; there are 2,001."],
        ["compare", [" "], "Enter 2 to 100 lines; there are 0."],
        ["compare", lines(2000), "Enter 2 to 100 lines; there are 2,000."],
        ["map", ["one", "two"], "Enter 3 to 500 lines; there are 2."],
        ["map", lines(2000), "Enter 3 to 500 lines; there are 2,000."]]) {
        await seen.click(`#tab-${tab}`);
        await run(seen, tab, texts);
        assert.equal(await seen.textContent(`#${tab}-status.problem`), says);
    }
    for (const tab of tabs.slice(0, 4)) {
        await seen.click(`#tab-${tab}`);
        await seen.fill(`#${fields[tab]}`, "");
        await seen.click(`#${tab}-form button:not(.quiet)`);
        assert.equal(await seen.locator(`#${fields[tab]}:invalid`).count(), 1, "the browser says that it is needed");
    }
    assert.equal(asked, 0);
    await seen.close();
});

test("two thousand lines that are pasted are ranked, the best twenty are shown", async () => {
    const seen = await open({ tab: "search", fresh: true });
    await seen.evaluate((text) => navigator.clipboard.writeText(text),
        Array.from({ length: 2000 }, (_, i) => `line ${i} of a long list`).join("\n"));
    await seen.focus("#search-lines");
    await seen.keyboard.press("Control+A");
    await seen.keyboard.press("Control+V");
    await seen.locator("#search-status").filter({ hasText: "2,000 lines ranked" }).waitFor({ timeout: 60000 });
    assert.equal(await seen.locator("#search-result li").count(), 20);
    assert.deepEqual(await faults(seen), []);
    await seen.close();
});

test("a server that is gone has a sentence; when it is back, the page works again", async () => {
    const seen = await open({ tab: "search", fresh: true, clock: true });
    await seen.locator("#search-result li").first().waitFor();
    await seen.waitForFunction(() => document.getElementById("live-queue").textContent === "0");
    await seen.route("**/*", (route) => route.abort());
    await run(seen, "search", ["a new line"]);
    assert.equal(await seen.textContent("#search-status.problem"), "The server does not answer. Does it still run?");
    await seen.clock.runFor(3000);
    await seen.waitForFunction(() => document.getElementById("live-queue").textContent === "–");
    await seen.unroute("**/*");
    await run(seen, "search");
    assert.match(await seen.textContent("#search-status:not(.problem)"), /1 line ranked/);
    await seen.clock.runFor(3000);
    await seen.waitForFunction(() => document.getElementById("live-queue").textContent === "0");
    expectProblems(/ERR_FAILED/);
    await seen.close();
});

test("a server that is busy when the page opens is asked again", async () => {
    const seen = await browser.newPage();
    await seen.clock.install();
    let refusals = 0;
    await seen.route("**/info", (route) =>
        refusals++ ? route.continue() : route.fulfill({ status: 503, body: "busy" }));
    await seen.goto(address);
    await seen.locator("#model").filter({ hasText: "Asking again in 1 s, try 2 of 5" }).waitFor();
    await seen.clock.runFor(1000);
    await seen.locator("#model").filter({ hasText: "dimensions" }).waitFor();
    await seen.locator("#search-result li").first().waitFor();
    await seen.close();
});

test("the name of a model is quoted in the code", async () => {
    const name = "it's \"a\" $(model)\\";
    const seen = await open({ tab: "code", models: [{ id: name }] });
    const [curl, python, node] = await seen.locator("#snippets pre").allTextContents();
    const argument = curl.slice(curl.indexOf("-d ") + 3);
    assert.equal(JSON.parse(execFileSync("sh", ["-c", `printf %s ${argument}`], { encoding: "utf8" })).model, name);
    assert.ok(python.includes(`model=${JSON.stringify(name)}`) && node.includes(`model: ${JSON.stringify(name)}`));
    await seen.close();
});

test("Tab reaches every control of a tab, and what has the focus is marked and seen", async () => {
    const seen = await open({ fresh: true });
    for (const tab of tabs) {
        await seen.click(`#tab-${tab}`);
        if (tab !== "code")
            await run(seen, tab, tab === "try" ? undefined : ["one", "two", "three", "four"]);
        await seen.focus(".skip");
        await seen.keyboard.press("Tab"); // and back: the browser marks the focus only where keys moved it
        await seen.keyboard.press("Shift+Tab");
        const wanted = await seen.evaluate(() => [...document.querySelectorAll("a, button, input, textarea, select, " +
            "summary, [tabindex='0']")].filter((node) => node.tabIndex >= 0 && node.checkVisibility()).length);
        const reached = [];
        for (let i = 0; i < wanted; i++) {
            reached.push(await seen.evaluate(() => {
                const node = document.activeElement;
                const style = getComputedStyle(node.querySelector(":scope > circle") || node);
                const box = node.getBoundingClientRect();
                const isMarked = parseFloat(style.outlineWidth) >= 2 && style.outlineStyle !== "none" ||
                    node.matches(".point") && parseFloat(style.strokeWidth) >= 3;
                const isSeen = box.bottom > 0 && box.top < innerHeight && box.left >= 0;
                node.dataset.reached = "yes";
                return `${node.id || node.outerHTML.slice(0, 60)}: ${isMarked && isSeen ? "well" : "not seen"}`;
            }));
            await seen.keyboard.press("Tab");
        }
        assert.deepEqual(reached.filter((what) => !what.endsWith("well")), [], tab);
        assert.equal(await seen.locator("[data-reached]").count(), wanted, `${tab}: ${reached.join("; ")}`);
        await seen.locator("[data-reached]").evaluateAll((all) => all.forEach((node) => delete node.dataset.reached));
    }
    await seen.close();
});

test("every control has a name, every colour enough contrast", async () => {
    const page = await open();
    const controls = page.locator("input, select, textarea, button, [role=img], [role=region]");
    const nameless = await controls.evaluateAll((nodes) => nodes.filter((node) =>
        !node.labels?.length && !node.getAttribute("aria-label") && !node.textContent.trim())
        .map((node) => node.outerHTML));
    assert.deepEqual(nameless, []);
    for (const scheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme: scheme });
        const ratios = await page.evaluate(() => {
            const style = getComputedStyle(document.documentElement);
            const brightness = (name) => {
                const [r, g, b] = style.getPropertyValue(name).trim().match(/\w\w/g)
                    .map((hex) => parseInt(hex, 16) / 255)
                    .map((x) => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
                return .2126 * r + .7152 * g + .0722 * b;
            };
            const pairs = [["ink", "ground"], ["ink", "surface"], ["ink", "heat"], ["faint", "ground"],
                ["accent", "ground"], ["accent", "surface"], ["accent-ink", "accent"], ["bad", "ground"]];
            return pairs.map(([a, b]) => {
                const [high, low] = [brightness(`--${a}`), brightness(`--${b}`)].sort((x, y) => y - x);
                return [`${a} on ${b}`, (high + .05) / (low + .05)];
            });
        });
        for (const [pair, ratio] of ratios)
            assert.ok(ratio >= 4.5, `${scheme}: ${pair} is ${ratio.toFixed(2)}`);
    }
    await page.close();
});
