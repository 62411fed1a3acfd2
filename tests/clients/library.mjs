// The server under test, and what its answers are compared with.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

export const { QUERN: quern, MODEL: file, ADDRESS: host } = process.env;
export const address = `http://${host}`;

// Vectors of texts as the library gives them, through the command; of the model in a file.
export const embed = (texts, task = "none", ...more) => embedWith(file, texts, task, ...more);

export function embedWith(path, texts, task = "none", ...more) {
    const output = execFileSync(quern, ["embed", "-m", path, "-t", task, "-f", "json", ...more, "--", ...texts],
        { encoding: "utf8", maxBuffer: 1 << 28 });
    return JSON.parse(output).embeddings.map((item) => item.embedding);
}

// The same numbers, bit for bit, as float32.
export function same(vectors, expected) {
    assert.equal(vectors.length, expected.length, "number of vectors");
    vectors.forEach((vector, i) => {
        assert.equal(vector.length, expected[i].length, `length of vector ${i}`);
        const at = [...vector].findIndex((x, j) => Math.fround(x) !== Math.fround(expected[i][j]));
        assert.equal(at, -1, `vector ${i} is another from dimension ${at} on: ${vector[at]} for ${expected[i][at]}`);
    });
}
