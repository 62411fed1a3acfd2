// Groups of similar texts, and the words that tell a group from the others.
import { dot } from "./vectors.js";

const turns = 30;

const distance = (a, b) => dot(a, a) + dot(b, b) - 2 * dot(a, b);

// Starts far from each other: the first text, then always the text that is farthest from all starts so far.
function starts(vectors, count) {
    const chosen = [vectors[0]];
    while (chosen.length < count) {
        const gaps = vectors.map((vector) => Math.min(...chosen.map((other) => distance(vector, other))));
        chosen.push(vectors[gaps.indexOf(Math.max(...gaps))]);
    }
    return chosen;
}

function mean(vectors, width) {
    const sum = new Float64Array(width);
    vectors.forEach((vector) => vector.forEach((x, d) => { sum[d] += x; }));
    return sum.map((x) => x / vectors.length);
}

// The group of each vector (k-means; the same vectors always give the same groups).
export function cluster(vectors, count) {
    let centres = starts(vectors, count), groups = [];
    for (let turn = 0; turn < turns; turn++) {
        const next = vectors.map((vector) => {
            const gaps = centres.map((centre) => distance(vector, centre));
            return gaps.indexOf(Math.min(...gaps));
        });
        if (next.every((group, i) => group === groups[i]))
            break;
        groups = next;
        centres = centres.map((centre, group) => {
            const own = vectors.filter((_, i) => groups[i] === group);
            return own.length ? mean(own, centre.length) : centre;
        });
    }
    return groups;
}

const words = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) || []);

// For each group, up to three words that many of its texts have and few of the others (tf-idf).
export function keyWords(texts, groups) {
    const every = new Map(), own = [];
    texts.forEach((text, i) => {
        own[groups[i]] ||= new Map();
        for (const word of words(text)) {
            every.set(word, (every.get(word) || 0) + 1);
            own[groups[i]].set(word, (own[groups[i]].get(word) || 0) + 1);
        }
    });
    return Array.from(own, (counts) => [...counts || []]
        .map(([word, count]) => [word, count * Math.log((texts.length + 1) / every.get(word))])
        .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, 3).map(([word]) => word));
}
