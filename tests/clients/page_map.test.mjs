// The map: its arithmetic, and its picture by mouse and by keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, open } from "./browser.mjs";
import { address, embed } from "./library.mjs";

let page = await open({ tab: "map", fresh: true });

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

// Opens a page with the map of these texts, else of the example.
async function draw(texts, options) {
    await page.close();
    const seen = await open({ tab: "map", fresh: true, ...options });
    if (texts)
        await seen.fill("#map-texts", texts.join("\n"));
    await seen.click("#map-form button");
    await seen.locator("#map-status").filter({ hasText: /^\d+ texts/ }).waitFor();
    return seen;
}

const numbered = (count) => Array.from({ length: count }, (_, i) => `${i % 2 ? "river" : "bread"} number ${i}`);
const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));

// Where the points are on the screen: [x, y] of each.
const places = () => page.locator("#map-plot circle").evaluateAll((all) => all.map((circle) => {
    const { x, y, width, height } = circle.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
}));
const gap = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const focusFirst = async () => {
    await page.focus("#map-zoom button[value='0']");
    await page.keyboard.press("Tab");
};

test("long work rests after each piece, and lets the browser do other things", async () => {
    const found = await page.evaluate(async () => {
        const { slices } = await import("/page/slices.js");
        const control = new AbortController();
        const rest = slices(control.signal);
        const busy = () => {
            for (const end = performance.now() + 30; performance.now() < end;);
        };
        const { port1, port2 } = new MessageChannel();
        let answered = false;
        port1.onmessage = () => { answered = true; };
        port2.postMessage(null);
        busy();
        await rest();
        const first = answered;
        busy();
        control.abort();
        return [first, await rest().catch((error) => error.name)];
    });
    assert.deepEqual(found, [true, "AbortError"]);
});

test("the arithmetic of map and matrix: cosines, plane and groups of vectors that are known", async () => {
    const found = await page.evaluate(async () => {
        const { cosines, plane } = await import("/page/vectors.js");
        const { cluster } = await import("/page/clusters.js");
        // Two arcs of a circle in a plane of three dimensions, with other lengths than 1.
        const angles = Array.from({ length: 40 }, (_, i) => (i % 2 ? 2.5 : 0) + i / 80);
        const vectors = angles.map((angle, i) =>
            Float32Array.of(Math.cos(angle), 0, Math.sin(angle)).map((x) => x * (i + 1)));
        let rests = 0;
        const rest = async () => { rests++; };
        const rows = await cosines(vectors, rest);
        const restsOfRows = rests;
        return { angles, rows: rows.map((row) => [...row]), restsOfRows, ...await plane(rows, rest),
            groups: await cluster(rows, 2, rest), rests };
    });
    const { angles, rows, points, groups } = found;
    assert.equal(found.restsOfRows, 40);
    assert.ok(found.rests > 44, "plane and groups rest, too");
    assert.ok(Math.abs(found.shown - 1) < 1e-9, "the plane shows all of it");
    angles.forEach((a, i) => angles.forEach((b, j) => {
        assert.ok(Math.abs(rows[i][j] - Math.cos(a - b)) < 1e-6);
        const gap = Math.hypot(points[i][0] - points[j][0], points[i][1] - points[j][1]);
        assert.ok(Math.abs(gap - 2 * Math.abs(Math.sin((a - b) / 2))) < 1e-4, "distances are kept");
    }));
    assert.deepEqual(groups, angles.map((_, i) => i % 2));
});

test("map and matrix rest while they work", async () => {
    const seen = await browser.newPage();
    await seen.addInitScript(() => {
        localStorage.clear();
        let now = 0;
        performance.now = () => now += 1000; // so that each rest is taken
        window.turns = 0;
        window.MessageChannel = class extends MessageChannel {
            constructor() {
                super();
                window.turns++;
            }
        };
    });
    await seen.goto(`${address}/#map`);
    await seen.locator("#search-result li").first().waitFor({ state: "attached" });
    for (const [name, most] of [["map", 3], ["compare", 2]]) {
        await seen.click(`#tab-${name}`);
        await seen.fill(`#${name}-texts`, numbered(60).join("\n"));
        await seen.evaluate(() => { window.turns = 0; });
        await seen.click(`#${name}-form button`);
        await seen.locator(`#${name}-form[aria-busy]`).waitFor({ state: "detached" });
        assert.equal(await seen.locator(`#${name}-status.problem`).count(), 0);
        const turns = await seen.evaluate(() => window.turns);
        assert.ok(turns >= most * 60, `${name}: ${turns} turns`);
    }
    await seen.close();
});

test("points have names, and are the same as a table", async () => {
    page = await draw();
    const texts = (await page.inputValue("#map-texts")).split("\n").filter(Boolean);
    const vectors = embed(texts, "clustering");
    const point = page.getByRole("img", { name: `${texts[0]}; nearest:` });
    const near = vectors.slice(1).map((v) => dot(vectors[0], v));
    assert.ok((await point.getAttribute("aria-label")).includes(texts[1 + near.indexOf(Math.max(...near))]));
    assert.equal(await page.locator("#map-plot .point").count(), texts.length);
    await page.click("#map summary");
    assert.equal(await page.locator("#map-table tbody tr").count(), texts.length);
});

test("by keyboard: one stop for Tab, arrows go from point to point and back", async () => {
    page = await draw();
    await focusFirst();
    const texts = (await page.inputValue("#map-texts")).split("\n").filter(Boolean);
    for (const [key, text] of [["", texts[0]], ["ArrowRight", texts[1]], ["ArrowDown", texts[2]],
        ["ArrowLeft", texts[1]], ["ArrowUp", texts[0]], ["ArrowLeft", texts.at(-1)], ["ArrowRight", texts[0]]]) {
        if (key)
            await page.keyboard.press(key);
        assert.ok((await focused()).startsWith(`${text}; nearest: `), `${key} leads to ${text}`);
        assert.ok((await page.textContent("#map-card")).includes(text));
        assert.equal(await page.textContent("#map-plot .front"), text);
    }
    assert.equal(await page.locator("#map-plot [tabindex='0']").count(), 1);
});

test("by keyboard: + zooms around the focused point, - and 0 go back, Shift with an arrow moves", async () => {
    page = await draw();
    await focusFirst();
    const whole = await places();
    await page.keyboard.press("+");
    await page.keyboard.press("+");
    const near = await places();
    assert.ok(Math.abs(gap(near) / gap(whole) - 2.25) < 0.02, "distances grow");
    assert.ok(gap([near[0], whole[0]]) < 2, "the focused point stays");
    const width = await page.locator("#map-plot circle").first().evaluate((node) => node.getBoundingClientRect().width);
    assert.ok(Math.abs(width - 12) < 0.2, "points keep their size");
    await page.keyboard.press("Shift+ArrowLeft");
    const moved = (await places()).map(([x, y], i) => [x - near[i][0], y - near[i][1]]);
    assert.ok(moved[0][0] > 20, "all points move");
    moved.forEach(([x, y]) => assert.ok(Math.abs(x - moved[0][0]) < 1 && Math.abs(y) < 1, "side by side"));
    await page.keyboard.press("-");
    assert.ok(Math.abs(gap(await places()) / gap(whole) - 1.5) < 0.02);
    await page.keyboard.press("0");
    assert.deepEqual(await places(), whole);
});

test("a point that is not seen comes into the picture when it gets the focus", async () => {
    page = await draw(numbered(40));
    await focusFirst();
    for (let i = 0; i < 5; i++)
        await page.keyboard.press("+");
    const isSeen = () => page.evaluate(() => {
        const [point, plot] = [document.activeElement.querySelector("circle"), document.getElementById("map-plot")]
            .map((node) => node.getBoundingClientRect());
        return point.left >= plot.left && point.right <= plot.right &&
            point.top >= plot.top && point.bottom <= plot.bottom;
    });
    const box = await page.locator("#map-plot").boundingBox();
    const isOutside = ([x, y]) => x < box.x || y < box.y || x > box.x + box.width || y > box.y + box.height;
    assert.ok((await places()).some(isOutside), "zoomed in, some points are outside");
    for (let i = 0; i < 40; i++) {
        assert.ok(await isSeen(), await focused());
        await page.keyboard.press("ArrowRight");
    }
});

test("buttons zoom and move; those that move are there only when there is somewhere to go", async () => {
    page = await draw();
    const button = (name) => page.getByRole("button", { name });
    assert.equal(await button("Move left").isVisible(), false);
    const whole = await places();
    await button("Zoom in").click();
    await button("Zoom in").click();
    const near = await places();
    assert.ok(gap(near) > 2 * gap(whole));
    const ways = { "Move left": [0, 1], "Move right": [0, -1], "Move up": [1, 1], "Move down": [1, -1] };
    for (const [name, [axis, sign]] of Object.entries(ways)) {
        const before = await places();
        await button(name).click();
        const [[x, y]] = [(await places())[0].map((at, i) => at - before[0][i])];
        assert.ok(sign * [x, y][axis] > 20, name);
        assert.ok(Math.abs([y, x][axis]) < 1, name);
    }
    await button("Whole map").click();
    assert.deepEqual(await places(), whole);
    assert.equal(await button("Move left").isVisible(), false);
});

test("by mouse: the wheel zooms at the pointer and lets the page scroll at the end, dragging moves", async () => {
    page = await draw();
    await page.locator("#map-plot").scrollIntoViewIfNeeded();
    const whole = await places();
    await page.mouse.move(...whole[0]);
    await page.mouse.wheel(0, -300);
    await page.waitForFunction(() => document.querySelector("#map-plot.zoomed"));
    const near = await places();
    assert.ok(Math.abs(gap(near) / gap(whole) - 2) < 0.02);
    // A wheel event tells its place in whole pixels, and zooming doubles what they lack in each direction.
    assert.ok(gap([near[0], whole[0]]) < 2 * Math.SQRT2, "the point under the pointer stays");
    const middle = await page.locator("#map-plot").evaluate((node) => {
        const { x, y, width, height } = node.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
    });
    const way = near[0].map((at, i) => at < middle[i] ? 30 : -30);
    await page.mouse.move(...middle);
    await page.mouse.down();
    await page.mouse.move(middle[0] - way[0], middle[1] - way[1]);
    await page.mouse.up();
    const moved = await places();
    assert.ok(gap([moved[0], near[0]]) > 25, "dragged");
    await page.mouse.move(...middle);
    assert.deepEqual(await places(), moved, "no longer held");
    await page.getByRole("button", { name: "Whole map" }).click();
    await page.setViewportSize({ width: 1000, height: 500 });
    await page.evaluate(() => scrollTo(0, 0));
    const [x, y] = (await places())[3];
    await page.mouse.move(x, Math.min(y, 450));
    await page.mouse.wheel(0, 200);
    await page.waitForFunction(() => scrollY > 50);
    assert.equal(await page.locator("#map-plot.zoomed").count(), 0);
});

test("the point under the pointer has its label in front, and keeps its place in the order", async () => {
    page = await draw(numbered(40));
    const order = () => page.locator("#map-plot .point").evaluateAll((all) => all.map((node) => node.textContent));
    const before = await order();
    await page.locator("#map-plot circle").nth(5).hover({ force: true });
    assert.match(await page.textContent("#map-card"), /number \d+/);
    assert.match(await page.textContent("#map-plot .front"), /number \d+/);
    assert.equal(await page.locator("#map-plot > :last-child.front").count(), 1);
    assert.deepEqual(await order(), before);
});

test("labels cover neither each other nor points, also in wide letters; more fit when the map is zoomed", async () => {
    page = await draw(Array.from({ length: 60 }, (_, i) => `${i} 東京から京都まで ${"ab"[i % 2]}`));
    const labels = () => page.locator("#map-plot .labelled text").evaluateAll((all) => all.map((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        return { left: left + 1, right: right - 1, top: top + 2, bottom: bottom - 2 };
    }));
    const check = async () => {
        const boxes = await labels(), points = await places();
        boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => assert.ok(
            a.right < b.left || a.left > b.right || a.bottom < b.top || a.top > b.bottom, JSON.stringify([a, b]))));
        boxes.forEach((box) => points.forEach(([x, y]) => assert.ok(
            x < box.left || x > box.right || y < box.top || y > box.bottom, "a point is not covered")));
        return boxes.length;
    };
    const few = await check();
    for (let i = 0; i < 3; i++)
        await page.click("#map-zoom button[value='+']");
    const box = await page.locator("#map-plot").boundingBox();
    const inside = (await places()).filter(([x, y]) =>
        x > box.x && y > box.y && x < box.x + box.width && y < box.y + box.height).length;
    assert.ok(await check() / inside > few / 60, "a larger share has a label");
});

test("the picture fits the room that it has, also when it was drawn behind another tab", async () => {
    page = await draw();
    const fits = () => page.waitForFunction(() => {
        const plot = document.getElementById("map-plot");
        return plot.clientWidth && Math.abs(plot.viewBox.baseVal.width - plot.clientWidth) < 3;
    });
    await fits();
    await page.setViewportSize({ width: 500, height: 800 });
    await fits();
    await page.evaluate(() => {
        document.getElementById("map-form").requestSubmit();
        document.getElementById("tab-search").click();
    });
    await page.locator("#map-form[aria-busy]").waitFor({ state: "detached" });
    await page.click("#tab-map");
    await fits();
});
