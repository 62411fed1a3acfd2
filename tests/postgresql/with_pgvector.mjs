// Loads vectors of quern into columns of pgvector, in binary and as text, and searches there.
// usage: with_pgvector.mjs FOLDER (an empty one; $QUERN_MODEL is the model, and quern is in $PATH)
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector as pgvector } from "@electric-sql/pglite-pgvector";

const folder = process.argv[2];
const quern = (args, options) => execFileSync("quern", args, { encoding: "utf8", ...options });
const DIMENSIONS = 64;
const words = ["red", "green", "old", "small", "fast", "apple", "fox", "house", "river", "song"];
const texts = Array.from({ length: 300 }, (_, i) => `${words[i % 10]} ${words[Math.floor(i / 10) % 10]} ${i} "quoted" \\ é`);
const lines = join(folder, "lines.txt");
writeFileSync(lines, texts.join("\n") + "\n");

const db = await PGlite.create({ extensions: { vector: pgvector } });
await db.exec("CREATE EXTENSION vector");
const version = (await db.query("SELECT extversion FROM pg_extension WHERE extname = 'vector'")).rows[0].extversion;

// The nearest rows of a table, with their distances.
const nearest = async (table, question, type = "vector") => (await db.query(
    `SELECT id, embedding <=> $1::${type} AS distance FROM ${table} ORDER BY distance, id LIMIT 5`,
    [question])).rows.map((row) => [Number(row.id), row.distance]);
const question = `[${quern(["embed", "-q", "-t", "query", "-f", "text", "an old fox"]).trim().replaceAll(" ", ",")}]`;

// quern index export -f pgvector: COPY BINARY.
const index = join(folder, "lines.qidx");
const copied = join(folder, "lines.pgcopy");
quern(["embed", "-q", "-t", "document", "-i", lines, "-o", join(folder, "vectors.npy"), "-f", "npy"]);
quern(["index", "import", "-q", join(folder, "vectors.npy"), "--payloads", lines, "-o", index]);
quern(["index", "export", "-q", index, "-f", "pgvector", "-o", copied]);
await db.exec(`CREATE TABLE copied (id bigint PRIMARY KEY, embedding vector(${DIMENSIONS}), text text)`);
await db.query("COPY copied FROM '/dev/blob' (FORMAT binary)", [], { blob: new Blob([readFileSync(copied)]) });
assert.deepEqual((await db.query("SELECT text FROM copied ORDER BY id")).rows.map((row) => row.text), texts);

// quern pipe: the numbers as text, which give the same bits.
await db.exec(`CREATE TABLE piped (id bigint PRIMARY KEY, embedding vector(${DIMENSIONS}))`);
const objects = texts.map((text, id) => JSON.stringify({ id, text })).join("\n");
const answers = quern(["pipe", "-q", "-t", "document"], { input: objects, maxBuffer: 1 << 26 }).trim().split("\n");
for (const answer of answers.map((line) => JSON.parse(line)))
    await db.query("INSERT INTO piped VALUES ($1, $2)", [answer.id, JSON.stringify(answer.embedding)]);
const same = await db.query("SELECT count(*)::int AS same FROM copied JOIN piped USING (id) " +
    "WHERE copied.embedding = piped.embedding");
assert.equal(same.rows[0].same, texts.length);

// The hits are those of quern.
const asked = join(folder, "question.npy");
quern(["embed", "-q", "-t", "query", "-f", "npy", "-o", asked, "an old fox"]);
const hits = JSON.parse(quern(["search", "-q", "-k", "5", index, "--vectors", asked])).hits;
assert.equal(hits.length, 5);
const found = await nearest("copied", question);
assert.deepEqual(await nearest("piped", question), found);
for (const [place, hit] of hits.entries())
    assert.ok(Math.abs(1 - hit.score - found[place][1]) < 1e-5, JSON.stringify([hit, found]));
await db.exec("CREATE INDEX ON copied USING hnsw (embedding vector_cosine_ops); SET enable_seqscan = off");
const plan = await db.query(`EXPLAIN SELECT id FROM copied ORDER BY embedding <=> '${question}' LIMIT 5`);
assert.match(JSON.stringify(plan.rows), /Index Scan using copied_embedding_idx/);
assert.equal((await nearest("copied", question)).length, 5);

// What the howto says of real[], the form of halfvec that test_worker.py expects, and the wrong number of dimensions.
const array = question.replace("[", "{").replace("]", "}");
assert.equal((await db.query("SELECT $1::real[]::vector = $2::vector AS same", [array, question])).rows[0].same, true);
await db.exec("CREATE TABLE halves (embedding halfvec(2))");
const header = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]);
const row = Buffer.from([0, 1, 0, 0, 0, 8, 0, 2, 0, 0, 0x3c, 0x00, 0xb8, 0x00, 0xff, 0xff]); // 1 and -0.5
await db.query("COPY halves FROM '/dev/blob' (FORMAT binary)", [], { blob: new Blob([header, row]) });
assert.equal((await db.query("SELECT embedding::text AS text FROM halves")).rows[0].text, "[1,-0.5]");
await db.exec("CREATE TABLE wrong (id bigint, embedding vector(63), text text)");
await assert.rejects(db.query("COPY wrong FROM '/dev/blob' (FORMAT binary)", [],
    { blob: new Blob([readFileSync(copied)]) }), /expected 63 dimensions, not 64/);
await db.close();
console.log(`pgvector ${version}: COPY BINARY and text give the same vectors, and <=> the hits of quern`);
