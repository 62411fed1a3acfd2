// What the page says of a model, and what it offers for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./browser.mjs";

const { BARE_ADDRESS: bare, STARTER_ADDRESS: starter, SEVERAL_ADDRESS: several } = process.env;
const menus = ["try-task", "compare-task", "map-task"];

test("a model that is called starter is not taken for it", async () => {
    const seen = await open({ at: `http://${bare}`, tab: "search" });
    assert.match(await seen.textContent("#model"), /^starter, 64 dimensions/);
    assert.equal(await seen.isVisible("#starter"), false);
    await seen.close();
});

test("the notice of a model is shown, as text", async () => {
    const notice = "this file lacks <b>the dense head</b>";
    const seen = await open({ info: { notice } });
    assert.equal(await seen.textContent("#notice"), notice);
    assert.equal(await seen.isVisible("#notice"), true);
    await seen.close();
});

test("the starter model has its banner under any name", { skip: !starter && "this build has no starter" }, async () => {
    const seen = await open({ at: `http://${starter}` });
    assert.match(await seen.textContent("#model"), /^renamed, /);
    assert.match(await seen.textContent("#starter"), /quern pull embeddinggemma/);
    assert.equal(await seen.isVisible("#starter"), true);
    assert.equal(await seen.isVisible("#notice"), false);
    await seen.close();
});

test("a menu of tasks is shown only where there is a choice", async () => {
    for (const [at, offered] of [[undefined, true], [`http://${bare}`, false]]) {
        const seen = await open({ at });
        for (const id of menus) {
            await seen.click(`#tab-${id.replace("-task", "")}`);
            assert.equal(await seen.isVisible(`#${id}`), offered, `${id} at ${at}`);
            assert.equal(await seen.locator(`#${id} option`).count() > 1, offered);
        }
        await seen.click("#tab-try");
        assert.equal(await seen.getByText("The task says").isVisible(), offered, "what explains the menu");
        await seen.click("#tab-search");
        assert.equal(await seen.getByText("prompt for queries").isVisible(), offered);
        await seen.locator("#search-result li").first().waitFor();
        await seen.close();
    }
});

test("a server of several models offers a menu of them, and one of one model does not", async () => {
    const alone = await open();
    assert.equal(await alone.isVisible("#model-choice"), false);
    await alone.close();
    const seen = await open({ at: `http://${several}`, tab: "search" });
    assert.match(await seen.textContent("#model"), /, 64 dimensions/);
    await seen.selectOption("#model-choice", "wide");
    await seen.locator("#model").filter({ hasText: "wide, 256 dimensions" }).waitFor();
    assert.equal(await seen.inputValue("#model-choice"), "wide");
    assert.match(await seen.textContent("#notice"), /dense head/);
    await seen.locator("#search-result li").first().waitFor(); // with a model that had to be loaded for it
    await seen.close();
});
