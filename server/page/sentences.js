// Sentences of a passage, and the one that answers a query best.
import { embed } from "./server.js";
import { dot } from "./vectors.js";

// Behind . ! ? with white space behind it, behind the full stop of Chinese and Japanese, and at a line end with an empty
// line, an item of a list or an indented line behind it.
const ends = /[.!?](?=\s)|。|\n(?=\s|[-*+]\s|\d+[.)]\s|$)/gu;

// The sentences of a text as [begin, end], without the white space around them.
export function sentences(text) {
    const found = [];
    let begin = 0;
    for (const end of [...[...text.matchAll(ends)].map((match) => match.index + match[0].length), text.length]) {
        const piece = text.slice(begin, end);
        if (piece.trim())
            found.push([begin + piece.length - piece.trimStart().length, begin + piece.trimEnd().length]);
        begin = end;
    }
    return found;
}

// The best sentence of each of these texts, or undefined for one that has no other. options: model and dimensions.
export async function bestSentences(query, texts, options, job) {
    const parts = texts.map((text) => sentences(text)).map((found) => found.length > 1 ? found : []);
    const pieces = texts.flatMap((text, i) => parts[i].map(([begin, end]) => text.slice(begin, end)));
    if (!pieces.length)
        return parts.map(() => undefined);
    const asked = await embed([query], { ...options, task: "query", truncate: true }, job);
    const given = await embed(pieces, { ...options, task: "document", truncate: true }, job);
    let at = 0;
    return parts.map((found) => {
        const scores = found.map(() => dot(asked.vectors[0], given.vectors[at++]));
        return found[scores.indexOf(Math.max(...scores))];
    });
}
