// How the page asks for the vectors of many texts: in batches, with progress and a button that stops, and again when
// the server has too much to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expectProblems, open } from "./browser.mjs";
import { embed } from "./library.mjs";

const numbered = (count) => Array.from({ length: count }, (_, i) => `the ${i} ships of the harbour`);
const inputs = (route) => route.request().postDataJSON().input;

// Catches the page's requests for vectors. next() gives the next of them, unanswered; count is how many there were.
async function catchRequests(seen) {
    const waiting = [], wanted = [];
    const caught = {
        count: 0,
        next: () => waiting.length ? waiting.shift() : new Promise((resolve) => wanted.push(resolve))
    };
    await seen.route("**/v1/embeddings", (route) => {
        caught.count++;
        if (wanted.length)
            wanted.shift()(route);
        else
            waiting.push(route);
    });
    return caught;
}

// Not by typing, which starts a search by itself after a while.
const search = async (seen, texts) => {
    await seen.locator("#search-lines").evaluate((field, value) => { field.value = value; }, texts.join("\n"));
    await seen.click("#search-form button");
};
const told = (seen, name, text) => seen.locator(`#${name}-status`).filter({ hasText: text }).waitFor();

// A page whose first search has run, so that the vector of its query is known.
async function openSearch(options) {
    const seen = await open({ tab: "search", fresh: true, ...options });
    await seen.locator("#search-result li").first().waitFor();
    return seen;
}

test("many texts are asked for in batches, with a bar; their ranking is the library's", async () => {
    const seen = await openSearch();
    const caught = await catchRequests(seen);
    const texts = numbered(150);
    await search(seen, texts);
    let asked = [];
    for (const size of [64, 64, 22]) {
        const route = await caught.next();
        assert.equal(inputs(route).length, size);
        await told(seen, "search", `${asked.length} of 150 texts embedded`);
        const bar = seen.getByRole("progressbar", { name: "Texts embedded" });
        assert.deepEqual(await bar.evaluate((node) => [node.value, node.max]), [asked.length, 150]);
        asked = [...asked, ...inputs(route)];
        await route.continue();
    }
    assert.deepEqual(asked, texts);
    await told(seen, "search", "150 lines ranked");
    assert.equal(await seen.isVisible("progress"), false);
    const [query] = embed([await seen.inputValue("#search-query")], "query");
    const scores = embed(texts, "document").map((vector) => vector.reduce((sum, x, i) => sum + x * query[i], 0));
    assert.equal(await seen.textContent("#search-result .score"), Math.max(...scores).toFixed(3));
    assert.equal(caught.count, 3, "the query was known");
    await search(seen, Array.from({ length: 8 }, (_, i) => `${i} `.repeat(3000)));
    assert.equal(inputs(await caught.next()).length, 3, "long texts make small batches");
    await seen.close();
});

test("Stop ends the work and says how far it was; the next start asks only for the rest", async () => {
    const seen = await openSearch();
    const caught = await catchRequests(seen);
    await search(seen, numbered(150));
    await (await caught.next()).continue();
    const second = await caught.next();
    const ended = seen.waitForEvent("requestfailed", (request) => request === second.request());
    await seen.locator("#search-stop").waitFor();
    await seen.locator("#search-stop").focus();
    await seen.keyboard.press("Enter");
    await told(seen, "search", "Stopped: 64 of 150 texts embedded. The next start goes on from there.");
    assert.match((await ended).failure().errorText, /ABORTED/);
    assert.equal(await seen.isVisible("#search-stop"), false);
    assert.equal(await seen.locator("#search-status.problem").count(), 0);
    assert.equal(await seen.evaluate(() => document.activeElement.textContent), "Search", "the focus is not lost");
    await seen.keyboard.press("Enter");
    const sizes = [];
    for (let i = 0; i < 2; i++) {
        const route = await caught.next();
        sizes.push(inputs(route).length);
        await route.continue();
    }
    assert.deepEqual(sizes, [64, 22]);
    await told(seen, "search", "150 lines ranked");
    await seen.close();
});

test("every form can be stopped, also when it asks only once", async () => {
    const seen = await open();
    const caught = await catchRequests(seen);
    for (const name of ["search", "compare", "map", "try"]) {
        await seen.click(`#tab-${name}`);
        await seen.locator(`#${name}-form textarea`).fill("one\ntwo\nthree");
        await seen.click(`#${name}-form button:not(.quiet)`);
        await told(seen, name, "Working…");
        await seen.click(`#${name}-stop`);
        await told(seen, name, "Stopped.");
    }
    assert.ok(caught.count >= 4);
    await seen.close();
});

test("a search that is started by its button is not started again by what was typed before", async () => {
    const seen = await openSearch({ clock: true });
    const caught = await catchRequests(seen);
    await seen.clock.pauseAt(Date.now() + 60000);
    await seen.fill("#search-lines", numbered(3).join("\n"));
    await seen.click("#search-form button");
    const route = await caught.next();
    await seen.clock.runFor(1000);
    await route.continue();
    await told(seen, "search", "3 lines ranked");
    assert.equal(caught.count, 1);
    await seen.close();
});

test("tabs do not disturb each other's work", async () => {
    const seen = await openSearch();
    const caught = await catchRequests(seen);
    await search(seen, numbered(100));
    await (await caught.next()).continue();
    const second = await caught.next();
    await seen.click("#tab-try");
    await seen.click("#try-form button");
    await (await caught.next()).continue();
    await told(seen, "try", "token");
    await second.continue();
    await seen.click("#tab-search");
    await told(seen, "search", "100 lines ranked");
    await seen.close();
});

const refuse = (route, status, headers = {}, error = { message: "words for programs" }) =>
    route.fulfill({ status, headers, contentType: "application/json", body: JSON.stringify({ error }) });

test("a busy server is asked again, not sooner than it says, also when it names a date", async () => {
    const inFiftySeconds = async (page) => new Date(await page.evaluate(() => Date.now()) + 50000).toUTCString();
    for (const [status, after] of [[429, () => "50"], [503, inFiftySeconds]]) { // by the clock of the page
        const seen = await openSearch({ clock: true });
        const caught = await catchRequests(seen);
        await search(seen, numbered(3));
        await refuse(await caught.next(), status, { "Retry-After": await after(seen) });
        await seen.locator("#search-status").filter({ hasText: /Asking again in (4\d|50) s, try 2 of 5/ }).waitFor();
        await seen.clock.runFor(30000);
        assert.equal(caught.count, 1);
        await seen.clock.runFor(20000);
        await (await caught.next()).continue();
        await told(seen, "search", "3 lines ranked");
        expectProblems(new RegExp(`status of ${status}`));
        await seen.close();
    }
});

test("the page gives up after five tries that are further and further apart", async () => {
    const seen = await openSearch({ clock: true });
    const caught = await catchRequests(seen);
    await search(seen, numbered(3));
    for (const wait of [1, 2, 4, 8]) {
        await refuse(await caught.next(), 503);
        await told(seen, "search", `Asking again in ${wait} s`);
        await seen.clock.runFor(1000 * wait);
    }
    await refuse(await caught.next(), 503);
    await told(seen, "search", "The server cannot answer now. It was asked 5 times. Try again later.");
    await seen.clock.runFor(60000);
    assert.equal(caught.count, 5);
    expectProblems(/status of 503/);
    await seen.close();
});

test("what cannot succeed is not asked again", async () => {
    const seen = await openSearch({ clock: true });
    const caught = await catchRequests(seen);
    for (const [status, headers, error, says] of [
        [429, { "X-Should-Retry": "false" }, undefined, "words for programs"],
        [429, { "Retry-After": "600" }, undefined, "It wants to be asked again in 600 s."],
        [503, { "X-Should-Retry": "false" }, { code: "deadline_exceeded" }, "fewer or shorter texts"],
        [413, {}, undefined, "more than the server takes at once"],
        [500, {}, undefined, "words for programs"],
        [502, {}, null, "The server answered 502."],
        [0, {}, undefined, "The server does not answer. Does it still run?"]]) {
        const before = caught.count;
        await search(seen, [`line ${status} ${says}`]);
        const route = await caught.next();
        await (status ? refuse(route, status, headers, error) : route.abort());
        await seen.locator("#search-status.problem").filter({ hasText: says }).waitFor();
        await seen.clock.runFor(60000);
        assert.equal(caught.count - before, 1, `${status}: ${says}`);
    }
    expectProblems(/status of (429|503|413|500|502)|ERR_FAILED/);
    await seen.close();
});

test("vectors of another model are not mixed with those that are known", async () => {
    const seen = await openSearch();
    await seen.route("**/v1/embeddings", async (route) => {
        const response = await route.fetch();
        const headers = { ...response.headers(), "x-quern-space": "64n-0123456789abcdef-document" };
        await route.fulfill({ response, headers });
    });
    await search(seen, numbered(3));
    await seen.locator("#search-status.problem").filter({ hasText: "another model now. Load this page" }).waitFor();
    await seen.close();
});

test("Stop ends the waiting for a busy server, too", async () => {
    const seen = await openSearch({ clock: true });
    const caught = await catchRequests(seen);
    await search(seen, numbered(3));
    await refuse(await caught.next(), 429, { "Retry-After": "30" });
    await told(seen, "search", "Asking again in 30 s");
    await seen.clock.runFor(1000);
    await seen.click("#search-stop");
    await told(seen, "search", "Stopped.");
    await seen.clock.runFor(60000);
    assert.equal(caught.count, 1);
    expectProblems(/status of 429/);
    await seen.close();
});
