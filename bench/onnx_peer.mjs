// ONNX Runtime in a process of its own, which compare.mjs starts: node onnx_peer.mjs THREADS SHAPE
// Makes the graph of onnx_graph.mjs in a shape (JSON), then measures what each message asks for.
import { randomFillSync } from "node:crypto";
import { onnxGraph } from "./onnx_graph.mjs";
import { sample } from "./sample.mjs";

const shape = JSON.parse(process.argv[3]);

async function open(threads) {
    const { InferenceSession, Tensor, env } = await import("onnxruntime-node");
    const bytes = onnxGraph(shape, (count) => randomFillSync(Buffer.alloc(count)));
    const session = await InferenceSession.create(bytes, {
        executionProviders: ["cpu"],
        executionMode: "sequential",
        graphOptimizationLevel: "all",
        intraOpNumThreads: threads,
        interOpNumThreads: 1
    });
    const run = (rows, tokens) => session.run({ rows: new Tensor("float32", rows, [tokens, shape.width]) });
    return { run, version: env.versions.node ?? env.versions.common };
}

async function latency(session, { tokens, seconds }) {
    const rows = Float32Array.from({ length: tokens * shape.width }, () => 2 * Math.random() - 1);
    const { vector } = await session.run(rows, tokens);
    if (!vector.data.every(Number.isFinite))
        throw new Error("ONNX Runtime's figures are not finite");
    return sample(() => session.run(rows, tokens), seconds, tokens < 2048 ? 3 : 1);
}

try {
    const session = await open(Number(process.argv[2]));
    process.on("message", async (request) => process.send(await latency(session, request)));
    process.send({ release: session.version });
} catch (error) {
    process.send({ failure: error.message.split("\n")[0] });
}
