// Chromium with pages of the server under test. Errors of scripts, refused resources and requests that leave the server
// are problems, and fail the file that imports this.
import assert from "node:assert/strict";
import { after } from "node:test";
import { launch } from "./chromium.mjs";
import { address } from "./library.mjs";

export const problems = [];
export const browser = await launch(`${process.env.PROFILE}-${process.pid}`);

after(async () => {
    await browser.close();
    assert.deepEqual(problems, []);
});

// Opens the page and waits until it knows the model. Options: width, scheme (light or dark), tab, at (the address of
// another server), clock (true: the time of the page can be moved), fresh (true: it has kept no texts), info (fields
// that the server's /info gets instead of its own), models (what /v1/models has instead of its own).
export async function open(options = {}) {
    const { width = 1000, scheme = "light", tab = "try", at = address, clock, fresh, info, models } = options;
    const opened = await browser.newPage();
    await opened.setViewportSize({ width, height: 800 });
    await opened.emulateMedia({ colorScheme: scheme });
    opened.on("pageerror", (error) => problems.push(error.message));
    opened.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    opened.on("request", (request) => request.url().startsWith(at) || problems.push(request.url()));
    if (fresh)
        await opened.addInitScript(() => localStorage.clear());
    if (info)
        await opened.route("**/info", async (route) => {
            const response = await route.fetch();
            await route.fulfill({ response, json: { ...await response.json(), ...info } });
        });
    if (models)
        await opened.route("**/v1/models", (route) => route.fulfill({ json: { data: models } }));
    if (clock)
        await opened.clock.install();
    await opened.goto(`${at}/#${tab}`);
    await opened.locator("#model").filter({ hasText: "dimensions" }).waitFor();
    return opened;
}

// The problems that a test caused on purpose: they must be there, and are forgotten.
export function expectProblems(pattern) {
    const others = problems.filter((problem) => !pattern.test(problem));
    assert.ok(others.length < problems.length, `a problem like ${pattern}`);
    problems.splice(0, problems.length, ...others);
}
