// Makes a picture of the page, after two minutes of work for its live figures.
// usage: picture.mjs ADDRESS PROFILE-FOLDER PICTURE
import { writeFileSync } from "node:fs";
import { crc32, deflateSync } from "node:zlib";
import { launch } from "./chromium.mjs";

const [address, profile, picture] = process.argv.slice(2);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// The pixels of a PNG in its 256 most frequent colours; other colours become the nearest of these. Done in the browser,
// which can read a PNG.
async function reduce(page, png) {
    const found = await page.evaluate(async (base64) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
        const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
        pen.drawImage(image, 0, 0);
        const pixels = new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer);
        const counts = new Map();
        pixels.forEach((pixel) => counts.set(pixel, (counts.get(pixel) || 0) + 1));
        const all = [...counts].sort((a, b) => b[1] - a[1]).map(([pixel]) => pixel);
        const parts = (pixel) => [0, 8, 16].map((shift) => pixel >>> shift & 255);
        const palette = all.slice(0, 256).map(parts);
        const index = new Map(all.map((pixel) => {
            const own = parts(pixel);
            const gaps = palette.map((other) => Math.hypot(...own.map((x, i) => x - other[i])));
            return [pixel, gaps.indexOf(Math.min(...gaps))];
        }));
        const { width, height } = image;
        return { width, height, palette, rows: [...pixels].map((pixel) => index.get(pixel)) };
    }, png.toString("base64"));
    return found;
}

function chunk(name, data) {
    const whole = Buffer.concat([Buffer.from(name), data]);
    const size = Buffer.alloc(4), sum = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(whole));
    return Buffer.concat([size, whole, sum]);
}

// A PNG with a palette, which is a quarter as large as what the browser writes.
function encode({ width, height, palette, rows }) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 3, 0, 0, 0], 8); // 8 bits, palette
    const lines = Buffer.alloc(height * (width + 1)); // each begins with 0: no filter
    for (let y = 0; y < height; y++)
        lines.set(rows.slice(y * width, (y + 1) * width), y * (width + 1) + 1);
    return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head),
        chunk("PLTE", Buffer.from(palette.flat())), chunk("IDAT", deflateSync(lines, { level: 9 })),
        chunk("IEND", Buffer.alloc(0))]);
}

const browser = await launch(profile);
const page = await browser.newPage();
await page.setViewportSize({ width: 1280, height: 720 });
await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
await page.goto(address);
await page.locator("#search-result li").first().waitFor();
for (const begin = Date.now(); Date.now() < begin + 122000;) {
    const wave = 1 + Math.sin((Date.now() - begin) / 9000); // now more texts, now fewer
    const input = Array.from({ length: 1 + Math.round(6 * wave) }, (_, i) => `The miller carries sack ${i} upstairs.`);
    await fetch(`${address}/v1/embeddings`, { method: "POST", body: JSON.stringify({ input }) });
    await sleep(250);
}
const png = await page.screenshot({ fullPage: true });
const blank = await browser.newPage();
writeFileSync(picture, encode(await reduce(blank, png)));
await browser.close();
