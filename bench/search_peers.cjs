// usearch and sqlite-vec for bench/search: node search_peers.cjs ROWS THREADS. Prints lines of JSON.
const fs = require("node:fs");
const path = require("node:path");

const DIMENSIONS = 768, FOUND = 10;
const [rows, threads] = process.argv.slice(2).map(Number);
const now = () => performance.now();

// About normally distributed, so that a vector has length 1 or nearly so.
let state = 2463534242;
function fill(vector) {
    for (let i = 0; i < vector.length; i++) {
        let sum = 0;
        for (let part = 0; part < 4; part++) {
            state ^= state << 13;
            state ^= state >>> 17;
            state ^= state << 5;
            sum += (state >>> 0) / 2 ** 32;
        }
        vector[i] = (sum - 2) * 0.0625;
    }
    return vector;
}

function least(call, seconds) {
    const times = [];
    call();
    for (const end = now() + seconds * 1000; times.length < 5 || now() < end;) {
        const begin = now();
        call();
        times.push(now() - begin);
    }
    times.sort((a, b) => a - b);
    return { min_ms: times[0], p50_ms: times[Math.floor(times.length / 2)] };
}

function report(program, queries, figures) {
    console.log(JSON.stringify({ program, queries, ...figures }));
}

function usearch() {
    const { exactSearch, MetricKind } = require("usearch");
    const { version } = JSON.parse(fs.readFileSync(path.join(process.env.NODE_PATH, "usearch/package.json"), "utf8"));
    const dataset = fill(new Float32Array(rows * DIMENSIONS));
    for (const count of rows <= 200000 ? [1, 64] : [1]) { // 64 of them in 1,000,000 take minutes
        const queries = fill(new Float32Array(count * DIMENSIONS));
        const search = () => exactSearch(dataset, queries, DIMENSIONS, FOUND, MetricKind.IP, threads);
        report(`usearch exact ${version}`, count, least(search, 2));
    }
}

function sqliteVec() {
    const Database = require("better-sqlite3");
    const db = new Database(":memory:");
    require("sqlite-vec").load(db);
    db.exec(`CREATE VIRTUAL TABLE v USING vec0(x float[${DIMENSIONS}])`);
    const insert = db.prepare("INSERT INTO v(rowid, x) VALUES (?, ?)");
    const begin = now();
    db.transaction(() => {
        for (let i = 1; i <= rows; i++)
            insert.run(BigInt(i), fill(new Float32Array(DIMENSIONS)));
    })();
    const build_s = (now() - begin) / 1000;
    const search = db.prepare(`SELECT rowid, distance FROM v WHERE x MATCH ? AND k = ${FOUND}`);
    const query = fill(new Float32Array(DIMENSIONS));
    const version = db.prepare("SELECT vec_version() AS v").get().v;
    report(`sqlite-vec ${version}`, 1, { ...least(() => search.all(query), 2), build_s });
}

for (const peer of [usearch, sqliteVec]) {
    try {
        peer();
    } catch (error) {
        console.error(`bench/search: ${peer.name} is left out: ${error.message.split("\n")[0]}`);
    }
}
