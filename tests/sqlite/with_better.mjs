// The extension in better-sqlite3, which has a SQLite of its own, together with sqlite-vec; also in worker threads.
// usage: with_better.mjs BUILD
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import * as sqliteVec from 'sqlite-vec';

function open(build) {
    const db = new Database(':memory:');
    sqliteVec.load(db);
    db.loadExtension(join(build, 'bindings/sqlite/quern0'));
    return db;
}

/** A search of the nearest texts, from an empty database on. */
function search(build) {
    const db = open(build);
    db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)');
    const insert = db.prepare('INSERT INTO t (body) VALUES (?)');
    for (let i = 0; i < 300; i++)
        insert.run(`text ${i}`);
    db.exec(`CREATE VIRTUAL TABLE v USING vec0(vector float[64]);
        INSERT INTO v (rowid, vector) SELECT id, embedding FROM embed_rows('SELECT id, body FROM t', '{"task": "query"}');
        CREATE VIRTUAL TABLE b USING vec0(vector bit[64]);
        INSERT INTO b (rowid, vector) SELECT id, embedding FROM embed_rows('SELECT id, body FROM t',
            '{"task": "query", "dtype": "bit"}');`);
    const hits = db.prepare("SELECT rowid, distance FROM v WHERE vector MATCH embed(?, 'query') LIMIT 5").all('text 77');
    const bits = db.prepare(`SELECT distance FROM b WHERE vector MATCH embed(?, 'query', '{"dtype": "bit"}')
        LIMIT 5`).all('text 77');
    assert.deepEqual([hits.length, hits[0].rowid, hits[0].distance], [5, 78, 0]);
    assert.deepEqual([bits.length, bits[0].distance], [5, 0]);
    assert.throws(() => db.prepare('SELECT embed(?)').get(Buffer.from('x')), /embed: the text is a blob/);
    assert.throws(() => db.prepare('SELECT embed(?)').get(null), /embed: the text is NULL/);
    db.close();
    return hits;
}

if (isMainThread) {
    const build = process.argv[2];
    const work = mkdtempSync(join(tmpdir(), 'quern-'));
    const model = join(work, 'tiny.gguf');
    execFileSync(join(build, 'tools/mkmodel'), ['tiny', model, '--head']);
    process.env.QUERN_MODEL = model;
    const db = open(build);
    const vector = db.prepare("SELECT embed('a red apple', 'query')").pluck().get();
    assert.deepEqual(vector, execFileSync(join(build, 'quern'),
        ['embed', '--quiet', '-m', model, '-t', 'query', '-f', 'f32', 'a red apple']));
    const version = db.prepare("SELECT sqlite_version() || ', sqlite-vec ' || vec_version()").pluck().get();
    db.close();
    const expected = search(build);
    const answers = await Promise.all([1, 2, 3].map(() => new Promise((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: build });
        worker.on('message', resolve);
        worker.on('error', reject);
    })));
    for (const answer of answers)
        assert.deepEqual(answer, expected);
    rmSync(work, { recursive: true });
    console.log(`better-sqlite3 with SQLite ${version}: the command's vectors, and the nearest texts in 4 threads`);
} else {
    parentPort.postMessage(search(workerData));
}
