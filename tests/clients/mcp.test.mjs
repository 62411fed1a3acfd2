// quern mcp with the client of the Model Context Protocol's authors, which checks every answer against its schemas.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ErrorCode, LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";
import { embed, file, quern, same } from "./library.mjs";

const work = mkdtempSync(join(tmpdir(), "quern-mcp-"));
const index = join(work, "notes.qidx");
let client, transport;

before(async () => {
    mkdirSync(join(work, "notes"));
    writeFileSync(join(work, "notes", "plants.md"), "# Plants\n\nRoots take water from the soil.\n");
    writeFileSync(join(work, "notes", "office.md"), "# Office\n\nThe tax office closes at noon.\n");
    execFileSync(quern, ["index", "-q", "-m", file, join(work, "notes"), "-o", index]);
    transport = new StdioClientTransport({ command: quern, args: ["mcp", "--index", index], stderr: "inherit" });
    client = new Client({ name: "test", version: "1" });
    await client.connect(transport);
});

after(async () => {
    await client.close();
    rmSync(work, { recursive: true });
});

const call = (name, given, ...more) => client.callTool({ name, arguments: given }, undefined, ...more);

test("mcp: the client agrees with the server", async () => {
    assert.equal(client.getServerVersion().name, "quern");
    assert.deepEqual(client.getServerCapabilities(), { tools: {} });
    assert.match(client.getInstructions(), /search/);
    if (transport.protocolVersion !== undefined)
        assert.equal(transport.protocolVersion, LATEST_PROTOCOL_VERSION);
    await client.ping();
});

test("mcp: the tools, with schemas of what they take and give", async () => {
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name), ["search", "embed", "add"]);
    for (const tool of tools)
        assert.ok(tool.description.length > 20 && tool.inputSchema && tool.outputSchema, tool.name);
});

test("mcp: search, by meaning and by words", async () => {
    for (const hybrid of [false, true]) {
        const { structuredContent, content } = await call("search", { query: "tax office", limit: 1, hybrid });
        const expected = JSON.parse(execFileSync(quern, ["search", "-q", "--json", "-k", "1", "-m", file,
            ...(hybrid ? ["--hybrid"] : []), index, "tax office"], { encoding: "utf8" }));
        delete expected.hits[0].best;
        assert.deepEqual(structuredContent.hits, expected.hits);
        assert.deepEqual(JSON.parse(content[0].text), structuredContent);
    }
});

test("mcp: vectors are the library's", async () => {
    const texts = ["how do plants drink", "Größe, naïve, 東京 🙂", "two\nlines"];
    const { structuredContent } = await call("embed", { texts, task: "document" });
    same(structuredContent.vectors, embed(texts, "document"));
});

test("mcp: what is added is found, and progress is told", async () => {
    const added = await call("add", { text: "Zebras have stripes.", title: "Animals" });
    const { structuredContent } = await call("search", { query: "zebras", hybrid: true, limit: 1 });
    assert.equal(structuredContent.hits[0].path, added.structuredContent.id);
    writeFileSync(join(work, "notes", "long.md"), "Some words of a line.\n\n".repeat(20000));
    let told = 0;
    const done = await call("add", { path: join(work, "notes") }, { onprogress: () => told++ });
    assert.equal(done.structuredContent.new, 1);
    assert.ok(told > 0);
});

test("mcp: mistakes of arguments are results, others are errors", async () => {
    const wrong = await call("search", { query: 7 });
    assert.ok(wrong.isError);
    assert.match(wrong.content[0].text, /query must be a string/);
    await assert.rejects(call("delete", {}), { code: ErrorCode.InvalidParams });
    await assert.rejects(client.listResources(), { code: ErrorCode.MethodNotFound });
});

test("mcp: a call can be aborted, and the next one is answered", async () => {
    writeFileSync(join(work, "notes", "longer.md"), "Other words of a line.\n\n".repeat(60000));
    const abort = new AbortController();
    const aborted = call("add", { path: join(work, "notes") }, { signal: abort.signal });
    setTimeout(() => abort.abort("no longer wanted"), 50);
    await assert.rejects(aborted, /no longer wanted/);
    assert.equal((await call("search", { query: "tax office", limit: 1 })).structuredContent.hits.length, 1);
});
