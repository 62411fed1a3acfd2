#!/usr/bin/python3
"""Hard negatives: for each heading or question of the training pairs, what word matching (BM25) finds beside its answer.

    hard.py CORPUS WORK             writes WORK/hard.npz
"""
import collections
import math
import re
import sys
from pathlib import Path

import numpy as np

from data import DEV_KINDS, held_out, read

KEEP = 8                # negatives of a pair, the best first; the very best is left out, it often answers too
K1, B = 1.2, 0.75
COMMON = 0.2            # words in more documents than this share say nothing


def words(text):
    return re.findall(r'[a-z0-9]+', text.lower())


def postings(documents):
    """word -> documents that have it, and its score in each."""
    n, mean = len(documents), sum(map(len, documents)) / len(documents)
    norm = np.array([K1 * (1 - B + B * len(d) / mean) for d in documents], np.float32)
    found = collections.defaultdict(lambda: ([], []))
    for i, d in enumerate(documents):
        for word, count in collections.Counter(d).items():
            found[word][0].append(i)
            found[word][1].append(count)
    out = {}
    for word, (at, count) in found.items():
        if len(at) <= n * COMMON:
            at, count = np.array(at), np.array(count, np.float32)
            out[word] = at, math.log(1 + (n - len(at) + 0.5) / (len(at) + 0.5)) * count * (K1 + 1) / (count + norm[at])
    return out


def negatives(pairs):
    """[pairs, KEEP] numbers of pairs whose b does not answer a; -1 where there are too few."""
    index = postings([words(b) for _, b in pairs])
    answers = collections.defaultdict(set)
    for a, b in pairs:
        answers[a].add(b)
    hard = np.full((len(pairs), KEEP), -1, np.int32)
    for q, (a, _) in enumerate(pairs):
        score = np.zeros(len(pairs), np.float32)
        for word in set(words(a)) & index.keys():
            at, s = index[word]
            score[at] += s
        top = np.argpartition(-score, 2 * KEEP)[:2 * KEEP]
        top = top[np.argsort(-score[top])]
        found = [i for i in top if score[i] > 0 and pairs[i][1] not in answers[a]][1:KEEP + 1]
        hard[q, :len(found)] = found
    return hard


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    corpus, work = map(Path, sys.argv[1:])
    pairs, at = [], {}
    for kind in DEV_KINDS:
        kept = [(p['a'], p['b']) for p in read(corpus / f'pairs-{kind}.jsonl.gz') if not held_out(p)]
        at[kind] = slice(len(pairs), len(pairs) + len(kept))
        pairs += kept
    hard = negatives(pairs)
    np.savez(work / 'hard.npz', **{kind: hard[rows] for kind, rows in at.items()})


if __name__ == '__main__':
    main()
