// The page in a browser, by mouse and by keyboard; what it shows is compared with what the interface answers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { browser, expectProblems, open } from "./browser.mjs";
import { address, embed } from "./library.mjs";

const { KEYED_ADDRESS: keyedHost, KEY: key } = process.env;
const page = await open();

const status = (name, text) => page.locator(`#${name}-status`).filter({ hasText: text });
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const lines = async (name) => (await page.inputValue(name)).split("\n").filter(Boolean);

test("the page and its parts come with a policy, a type and an ETag that spares them", async () => {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    assert.match(response.headers.get("content-security-policy"), /default-src 'none'/);
    assert.match(response.headers.get("content-type"), /^text\/html/);
    const etag = response.headers.get("etag");
    const again = await fetch(address, { headers: { "Accept": "text/html", "If-None-Match": etag } });
    assert.equal(again.status, 304);
    assert.match(await (await fetch(address)).text(), /^Ollama is running\n.*quern/);
});

test("try: by mouse", async () => {
    await page.fill("#try-text", "how do plants drink");
    await page.selectOption("#try-task", "query");
    await page.fill("#try-dimensions", "16");
    await page.click("#try-form button");
    await status("try", "16 dimensions").waitFor();
    const [expected] = embed(["how do plants drink"], "query", "-d", "16");
    const shown = (await page.textContent("#try-numbers")).match(/-?\d\.\d+/g).map(Number);
    assert.equal(shown.length, 8);
    shown.forEach((x, i) => assert.ok(Math.abs(x - expected[i]) < 1e-5));
    await page.click("#try-copy");
    await status("try", "Copied").waitFor();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.deepEqual(copied.map(Math.fround), expected.map(Math.fround));
});

test("try: a title with documents only, and a sentence when the text is too long", async () => {
    assert.equal(await page.isVisible("#try-title"), false);
    await page.selectOption("#try-task", "document");
    await page.fill("#try-title", "Botany");
    await page.click("#try-form button");
    await status("try", "token").waitFor();
    const [expected] = embed(["how do plants drink"], "document", "-d", "16", "--title", "Botany");
    assert.ok((await page.textContent("#try-numbers")).includes(expected[0].toFixed(5)));
    await page.fill("#try-text", "word ".repeat(9000));
    await page.click("#try-form button");
    await page.locator("#try-status.problem").filter({ hasText: "let long texts be cut" }).waitFor();
    expectProblems(/status of 400/); // which a browser always tells
    await page.fill("#try-text", "a");
});

test("everything by keyboard: the skip link, tabs with arrows, a form with Enter", async () => {
    await page.reload();
    await page.locator("#model").filter({ hasText: "dimensions" }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "skip");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "tab-try"); // the tab of the address
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(), "tab-map");
    assert.equal(await page.isVisible("#map"), true);
    assert.equal(await page.isVisible("#try"), false);
    await page.keyboard.press("End");
    assert.equal(await focused(), "tab-code");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "tab-search");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "search-query");
    await page.keyboard.press("End");
    await page.keyboard.type(" quickly");
    await page.keyboard.press("Enter");
    await status("search", "ranked").waitFor();
});

test("search ranks as the library does", async () => {
    const query = await page.inputValue("#search-query");
    const texts = await lines("#search-lines");
    const [asked] = embed([query], "query");
    const scores = embed(texts, "document").map((vector) => dot(asked, vector));
    const expected = texts.map((text, i) => [scores[i], text]).sort((a, b) => b[0] - a[0]);
    const shown = await page.locator("#search-result li").evaluateAll((items) =>
        items.map((item) => [...item.querySelectorAll("span")].slice(0, 2).map((span) => span.textContent)));
    assert.deepEqual(shown, expected.map(([score, text]) => [score.toFixed(3), text]));
});

test("search again while typing", async () => {
    await page.fill("#search-query", "tomato soup");
    const [asked] = embed(["tomato soup"], "query");
    const best = Math.max(...embed(await lines("#search-lines"), "document").map((vector) => dot(asked, vector)));
    await page.locator("#search-result li:first-child .score").filter({ hasText: best.toFixed(3) }).waitFor();
});

test("compare: the heat map is a table of the cosines", async () => {
    await page.click("#tab-compare");
    await page.click("#compare-form button");
    await status("compare", "Closest").waitFor();
    const texts = await lines("#compare-texts");
    const vectors = embed(texts, "similarity");
    const table = page.getByRole("table", { name: /Cosine/ });
    const rows = await table.getByRole("row").evaluateAll((all) =>
        all.slice(1).map((row) => [...row.cells].map((cell) => cell.textContent)));
    assert.deepEqual(rows, texts.map((text, i) =>
        [`${i + 1} ${text}`, ...vectors.map((vector) => dot(vectors[i], vector).toFixed(2))]));
    assert.equal(await table.getByRole("rowheader").count(), texts.length);
    assert.equal(await table.getByRole("columnheader", { name: texts[2] }).count(), 1);
    await table.locator("td[data-row='0'][data-column='1']").hover();
    const value = dot(vectors[0], vectors[1]).toFixed(2);
    assert.equal((await page.textContent("#compare-pair")).replace(/[\u2068\u2069]/g, ""),
        `${value}: ${texts[0]} / ${texts[1]}`);
});

test("the page opens on a search that has run, beside its lines where there is room", async () => {
    const wide = await open({ width: 1280, tab: "" });
    await wide.locator("#search-result li").first().waitFor();
    assert.equal(await wide.isVisible("#search"), true);
    const boxes = async (seen) => Promise.all(["#search-lines", "#search-result"].map((id) =>
        seen.locator(id).boundingBox()));
    const [lines, result] = await boxes(wide);
    assert.ok(result.x >= lines.x + lines.width, "the result is beside the lines");
    assert.match(await wide.textContent("#search-prompts"), /prompt for queries/);
    await wide.close();
    const narrow = await open({ width: 390, tab: "" });
    await narrow.locator("#search-result li").first().waitFor();
    const [above, below] = await boxes(narrow);
    assert.ok(below.y >= above.y + above.height, "the result is below the lines");
    await narrow.close();
});

test("texts are kept on reload, and the example comes back", async () => {
    const kept = await open({ tab: "search" });
    await kept.evaluate(() => localStorage.clear());
    await kept.reload();
    await kept.locator("#search-result li").first().waitFor();
    const example = await kept.inputValue("#search-lines");
    assert.equal(await kept.isVisible("#search-form .reset"), false);
    await kept.fill("#search-lines", "one line\nשורה אחרת");
    await kept.reload();
    await kept.locator("#search-result li").nth(1).waitFor();
    assert.equal(await kept.inputValue("#search-lines"), "one line\nשורה אחרת");
    assert.equal(await kept.locator("#search-lines").getAttribute("dir"), "auto");
    assert.equal(await kept.locator("#search-result [dir=auto]").count(), 2);
    await kept.click("#search-form .reset");
    assert.equal(await kept.inputValue("#search-lines"), example);
    await kept.reload();
    assert.equal(await kept.inputValue("#search-lines"), example);
    await kept.close();
});

// Drops a file on a field, as a browser reports it: these bytes, and then zeros up to a size. The zeros are made in the
// browser, as sending a million of them to it takes seconds.
async function drop(seen, id, name, bytes, size = bytes.length) {
    const transfer = await seen.evaluateHandle(([file, data, whole]) => {
        const all = new DataTransfer();
        all.items.add(new File([new Uint8Array(data), new Uint8Array(whole - data.length)], file));
        return all;
    }, [name, [...bytes], size]);
    await seen.dispatchEvent(id, "drop", { dataTransfer: transfer });
}

test("a dropped file gives the lines; what is not text is refused with a sentence", async () => {
    const seen = await open({ tab: "search" });
    await drop(seen, "#search-lines", "lines.txt", Buffer.from("alpha\r\nbeta\n\ngamma\n"));
    await seen.locator("#search-status").filter({ hasText: "3 lines ranked" }).waitFor();
    assert.equal(await seen.inputValue("#search-lines"), "alpha\nbeta\ngamma");
    await drop(seen, "#search-lines", "photo.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1]));
    await seen.locator("#search-status.problem").filter({ hasText: "photo.png is not text in UTF-8" }).waitFor();
    await drop(seen, "#search-lines", "large.txt", [], (1 << 20) + 1);
    await seen.locator("#search-status.problem").filter({ hasText: "too large for this page" }).waitFor();
    await drop(seen, "#search-lines", "empty.txt", Buffer.from("\n \r\n"));
    await seen.locator("#search-status.problem").filter({ hasText: "empty.txt has no text in it" }).waitFor();
    for (const name of ["table.csv", "lines.JSONL"]) {
        await drop(seen, "#search-lines", name, Buffer.from("id,text\n1,alpha\n"));
        await seen.locator("#search-status.problem").filter({ hasText: `2 lines of ${name} were taken as they stand` })
            .waitFor();
        assert.equal(await seen.inputValue("#search-lines"), "id,text\n1,alpha");
    }
    await drop(seen, "#search-lines", "lines.txt", Buffer.from("alpha\nbeta\ngamma\n"));
    await seen.locator("#search-status").filter({ hasText: "3 lines ranked" }).waitFor();
    await seen.evaluate(() => {
        const dataTransfer = new DataTransfer();
        for (const name of ["a.txt", "b.txt"])
            dataTransfer.items.add(new File(["text"], name));
        document.getElementById("search-lines").dispatchEvent(new DragEvent("drop", { dataTransfer }));
    });
    await seen.locator("#search-status.problem").filter({ hasText: "Drop one at a time" }).waitFor();
    assert.equal(await seen.inputValue("#search-lines"), "alpha\nbeta\ngamma");
    await seen.click("#search-form .reset");
    await seen.close();
});

test("Ctrl+Enter runs, results are saved as CSV without formulas", async () => {
    const seen = await open({ tab: "compare" });
    await seen.fill("#compare-texts", "=1+1\nsay \"hi\"\nplain");
    await seen.keyboard.press("Control+Enter");
    await seen.locator("#compare-status").filter({ hasText: "Closest" }).waitFor();
    const [saved] = await Promise.all([seen.waitForEvent("download"), seen.click("#compare-csv")]);
    assert.equal(saved.suggestedFilename(), "quern-compare.csv");
    const rows = readFileSync(await saved.path(), "utf8").split("\r\n");
    assert.equal(rows[0], "\"\",\"'=1+1\",\"say \"\"hi\"\"\",\"plain\"");
    assert.equal(rows.length, 5);
    assert.match(rows[1], /^"'=1\+1","1\.000000","-?\d\.\d{6}","-?\d\.\d{6}"$/);
    await seen.click("#compare-form .reset");
    await seen.close();
});

test("a text that is too long: a checkbox, not the words of the interface", async () => {
    const seen = await open({ tab: "search" });
    await seen.fill("#search-lines", `short\n${"word ".repeat(9000)}`);
    await seen.click("#search-form button");
    await seen.locator("#search-status.problem").filter({ hasText: "let long texts be cut" }).waitFor();
    assert.doesNotMatch(await seen.textContent("#search-status"), /truncate/);
    expectProblems(/status of 400/);
    await seen.check("#cut-long");
    await seen.locator("#search-status").filter({ hasText: "2 lines ranked" }).waitFor();
    await seen.click("#search-form .reset");
    await seen.close();
});

test("many texts: the matrix keeps its names and says what is under the pointer, the map finds groups", async () => {
    const seen = await open({ tab: "compare", width: 1280 });
    const texts = Array.from({ length: 40 }, (_, i) =>
        `${i % 2 ? "the river runs to the sea" : "bread from the oven"} ${i}`);
    await seen.fill("#compare-texts", texts.join("\n"));
    await seen.click("#compare-form button");
    await seen.locator("#compare-result table.dense").waitFor();
    assert.equal(await seen.locator("#compare-result tbody th").count(), 40);
    await seen.hover("td[data-row='1'][data-column='3']");
    assert.match(await seen.textContent("#compare-pair"), /^-?\d\.\d\d: \u2068the river/);
    await seen.click("#compare-form .reset");
    await seen.click("#tab-map");
    await seen.fill("#map-texts", texts.join("\n"));
    await seen.click("#map-form button");
    await seen.locator("#map-groups li").nth(1).waitFor();
    assert.match(await seen.textContent("#map-groups"), /river|oven/);
    const first = await seen.textContent("#map-groups");
    await seen.click("#map-form button");
    await seen.locator("#map-status").filter({ hasText: "40 texts" }).waitFor();
    assert.equal(await seen.textContent("#map-groups"), first, "the same texts give the same groups");
    await seen.click("#map-form .reset");
    await seen.close();
});

test("code: the snippets have this address, and are copied", async () => {
    await page.click("#tab-code");
    assert.equal(await page.locator("#snippets pre").count(), 3);
    await page.getByRole("button", { name: "Copy the curl code" }).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.ok(copied.includes(`curl ${address}/v1/embeddings`));
    for (const text of await page.locator("#snippets pre").allTextContents())
        assert.ok(text.includes(address));
});

test("live figures move with what is asked", async () => {
    const body = JSON.stringify({ model: "m", input: ["a", "b", "c"] });
    const timer = setInterval(() => fetch(`${address}/v1/embeddings`,
        { method: "POST", headers: { "Content-Type": "application/json" }, body }), 100);
    try {
        await page.waitForFunction(() => ["live-texts", "live-tokens"].every((id) =>
            Number(document.getElementById(id).textContent.replace(",", "")) > 1), null, { timeout: 15000 });
    } finally {
        clearInterval(timer);
    }
    assert.match(await page.textContent("#live-queue"), /^\d+$/);
});

test("a server with keys: the page asks for one, and keeps it", async () => {
    const keyed = await browser.newPage();
    await keyed.goto(`http://${keyedHost}/`);
    await keyed.fill("#key", "not-the-key");
    await keyed.keyboard.press("Enter");
    await keyed.locator("#key-problem").filter({ hasText: "does not know this key" }).waitFor();
    assert.equal(await keyed.getAttribute("#key", "aria-invalid"), "true");
    await keyed.fill("#key", key);
    await keyed.keyboard.press("Enter");
    await keyed.locator("#model").filter({ hasText: "dimensions" }).waitFor();
    assert.equal(await keyed.isVisible("#key-form"), false);
    await keyed.click("#tab-try");
    await keyed.click("#try-form button");
    await keyed.locator("#try-status").filter({ hasText: "token" }).waitFor();
    const snippets = await keyed.locator("#snippets").textContent();
    assert.ok(snippets.includes("$QUERN_API_KEY") && !snippets.includes(key));
    await keyed.fill("#try-text", "a text that stays");
    await keyed.route("**/v1/embeddings", (route) => route.fulfill({ status: 401, body: "{}" }));
    await keyed.click("#try-form button");
    await keyed.locator("#key-problem").waitFor(); // the server does not take the key any more
    await keyed.unroute("**/v1/embeddings");
    await keyed.fill("#key", key);
    await keyed.keyboard.press("Enter");
    await keyed.locator("#key-form").waitFor({ state: "hidden" });
    assert.equal(await keyed.inputValue("#try-text"), "a text that stays");
    await keyed.click("#try-form button");
    await keyed.locator("#try-status:not(.problem)").filter({ hasText: "token" }).waitFor();
    await keyed.reload();
    await keyed.locator("#model").filter({ hasText: "dimensions" }).waitFor();
    await keyed.evaluate(() => localStorage.clear());
    await keyed.close();
});

test("a browser that keeps nothing can use the page, with a key too", async () => {
    const seen = await browser.newPage();
    await seen.addInitScript(() => {
        for (const name of ["localStorage", "sessionStorage"])
            Object.defineProperty(window, name, { get() { throw new DOMException("", "SecurityError"); } });
    });
    await seen.goto(`http://${keyedHost}/`);
    await seen.fill("#key", key);
    await seen.keyboard.press("Enter");
    await seen.locator("#search-result li").first().waitFor();
    await seen.fill("#search-query", "rain");
    await seen.click("#search-form button");
    await seen.locator("#search-status:not(.problem)").filter({ hasText: "ranked" }).waitFor();
    await seen.close();
});
