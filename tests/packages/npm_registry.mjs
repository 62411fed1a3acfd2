// A registry of npm on this machine, which has the tarballs of a folder, and nothing else. Prints its address.
// usage: npm_registry.mjs FOLDER
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import path from "node:path";

const [folder] = process.argv.slice(2);
const packages = new Map(), tarballs = new Map();
const server = http.createServer(({ url }, response) => {
    const found = tarballs.get(url) ?? packages.get(decodeURIComponent(url));
    response.writeHead(found === undefined ? 404 : 200).end(found ?? "{}");
});
server.listen(0, "127.0.0.1", () => {
    const address = `http://127.0.0.1:${server.address().port}`;
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".tgz"))) {
        const tarball = readFileSync(path.join(folder, file));
        const about = JSON.parse(execFileSync("tar", ["-xzOf", path.join(folder, file), "package/package.json"]));
        const dist = { tarball: `${address}/${file}`,
            integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}` };
        tarballs.set(`/${file}`, tarball);
        packages.set(`/${about.name}`, JSON.stringify({ name: about.name, "dist-tags": { latest: about.version },
            versions: { [about.version]: { ...about, dist } } }));
    }
    console.log(address);
});
