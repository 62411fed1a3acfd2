// The tab that searches in the server's indexes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { expectProblems, open } from "./browser.mjs";
import { file, quern } from "./library.mjs";

const { FILES_ADDRESS: host, INDEX: index, SHOTS: shots } = process.env;
const at = `http://${host}`;

const found = (query, ...options) => JSON.parse(execFileSync(quern,
    ["search", "-q", "--json", "-m", file, ...options, index, query], { encoding: "utf8" })).hits;

async function search(seen, query) {
    await seen.fill("#files-query", query);
    const answered = seen.waitForResponse(/\/search$/);
    await seen.click("#files-form button");
    await answered;
    await seen.locator("#files-status").filter({ hasText: "passages in" }).waitFor();
    return seen.locator("#files-result .place").allTextContents();
}

const places = (hits) => hits.map(({ path, line }) => `${path}:${line}`);

test("a server without an index has no tab of files", async () => {
    const seen = await open({ tab: "files" });
    await seen.locator("#search").waitFor(); // it opens another one
    assert.equal(await seen.isVisible("#tab-files"), false);
    await seen.close();
});

test("with one it comes first, and finds what quern search finds", async () => {
    for (const width of [1280, 390]) {
        const seen = await open({ at, width, tab: "" });
        await seen.locator("#files").waitFor();
        assert.match(await seen.textContent("#files-rows"), /has 5 passages/);
        assert.equal(await seen.isVisible("#files-index-field"), false);
        assert.deepEqual(await search(seen, "red apple"), places(found("red apple")));
        await seen.check("#files-words");
        assert.deepEqual(await search(seen, "tax office"), places(found("tax office", "--hybrid")));
        assert.match(await seen.textContent("#files-result li:first-child"), /closes at noon/);
        const wide = await seen.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
        assert.equal(wide, false, `at ${width} nothing is wider than the window`);
        await seen.screenshot({ path: `${shots}/files-${width}.png`, fullPage: true });
        await seen.close();
    }
});

test("the best sentence of a passage is marked", async () => {
    const seen = await open({ at, tab: "files" });
    for (const query of ["roots", "red apple", "bees and flowers", "sugar"]) {
        await search(seen, query);
        const hits = found(query);
        const shown = await seen.locator("#files-result .passage").evaluateAll((passages) =>
            passages.map((passage) => [passage.querySelector("mark")?.textContent, passage.textContent]));
        assert.deepEqual(shown.map(([marked, text]) => marked ?? text), hits.map(({ best }) => best), query);
        assert.equal(shown.filter(([marked]) => marked).length, 3, "a text of one sentence needs no mark");
        assert.ok(shown.every(([, text]) => text.length < 720), "a long passage is cut");
    }
    await seen.close();
});

test("passages are shown without marks when the server has no time for them", async () => {
    const seen = await open({ at, tab: "files" });
    await seen.route("**/v1/embeddings", (route) => route.fulfill({ status: 400, json: { error: "no" } }));
    assert.equal((await search(seen, "roots")).length, 5);
    assert.equal(await seen.locator("#files-result mark").count(), 0);
    expectProblems(/400/);
    await seen.close();
});

test("in a narrow window tabs have their whole names, and are in one row unless it is very narrow", async () => {
    for (const width of [320, 360, 390]) {
        const seen = await open({ at, width, tab: "files" });
        const boxes = await seen.locator("[role=tab]:visible").evaluateAll((tabs) => tabs.map((tab) => {
            const text = document.createRange();
            text.selectNodeContents(tab);
            const { top, right } = tab.getBoundingClientRect();
            return { lines: text.getClientRects().length, top, right };
        }));
        assert.equal(boxes.length, 6);
        for (const { lines, top, right } of boxes)
            assert.ok(lines === 1 && right <= width && (top === boxes[0].top || width < 360),
                `at ${width}: ${JSON.stringify(boxes)}`);
        await seen.close();
    }
});

test("arrow keys go over the tabs that are shown", async () => {
    const seen = await open({ at, tab: "files" });
    await seen.focus("#tab-files");
    await seen.keyboard.press("ArrowRight");
    assert.equal(await seen.evaluate(() => document.activeElement.id), "tab-search");
    await seen.keyboard.press("Home");
    assert.equal(await seen.evaluate(() => document.activeElement.id), "tab-files");
    await seen.close();
    const bare = await open({ tab: "search" });
    await bare.focus("#tab-search");
    await bare.keyboard.press("ArrowLeft");
    assert.equal(await bare.evaluate(() => document.activeElement.id), "tab-code");
    await bare.close();
});

test("what the server refuses is told", async () => {
    const seen = await open({ at, tab: "files" });
    await seen.route("**/search", (route) => route.fulfill({ status: 400, json: { error: "the query is odd" } }));
    await seen.fill("#files-query", "x");
    await seen.click("#files-form button");
    await seen.locator("#files-status.problem").filter({ hasText: "the query is odd" }).waitFor();
    expectProblems(/400/);
    await seen.close();
});
