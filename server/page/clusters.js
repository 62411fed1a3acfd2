// Groups of similar texts, and the words that tell a group from the others.

const turns = 30;

// Starts far from each other: the first text, then always the text that is farthest from all starts so far.
function starts(rows, count) {
    const chosen = [0];
    const gaps = rows.map(() => Infinity);
    while (chosen.length < count) {
        gaps.forEach((gap, i) => { gaps[i] = Math.min(gap, 2 - 2 * rows[i][chosen.at(-1)]); });
        chosen.push(gaps.indexOf(Math.max(...gaps)));
    }
    return chosen;
}

const mean = (members, value) => members.reduce((sum, i) => sum + value(i), 0) / members.length;

// The squared distance of each text from the mean of a group, less 1, from cosines alone.
function distances(rows, members) {
    const near = rows.map((row) => mean(members, (i) => row[i]));
    const own = mean(members, (i) => near[i]);
    return near.map((x) => own - 2 * x);
}

// The group of each text (k-means; the same cosines always give the same groups).
export async function cluster(rows, count, rest) {
    let members = starts(rows, count).map((i) => [i]), groups = [];
    for (let turn = 0; turn < turns; turn++) {
        const gaps = members.map((own) => distances(rows, own));
        const next = rows.map((_, i) => {
            const each = gaps.map((gap) => gap[i]);
            return each.indexOf(Math.min(...each));
        });
        if (next.every((group, i) => group === groups[i]))
            break;
        groups = next;
        members = members.map((before, group) => {
            const own = [...rows.keys()].filter((i) => groups[i] === group);
            return own.length ? own : before;
        });
        await rest();
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
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 3).map(([word]) => word));
}
