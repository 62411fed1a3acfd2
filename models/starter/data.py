#!/usr/bin/python3
"""Training and evaluation data: pairs of texts, tokenised once.

    data.py CORPUS WORK             writes WORK/pairs.npz, WORK/sentences.npz and WORK/dev.json
"""
import gzip
import json
import random
import sys
from pathlib import Path

import numpy as np
import sentencepiece

# share of training steps per kind of pair
MIX = {'title_para': 22, 'qa': 12, 'paraphrase': 12, 'neighbor': 6, 'word_gloss': 8, 'nli': 5, 'definition': 4,
       'gloss_example': 4, 'intent': 4, 'reason': 3, 'synonym': 3, 'tldr': 3, 'caption': 2, 'summary': 2,
       'hypernym': 1, 'qa_short': 1, 'recipe': 0.5, 'dialog': 0.5}
BOS, EOS = 2, 1
LONGEST = 192       # tokens kept of a text
DEV_SHARE, DEV_KINDS, DEV_QUERIES, DEV_DOCUMENTS = 0.03, ('title_para', 'qa'), 500, 1000


def read(path):
    with gzip.open(path, 'rt', encoding='utf-8') as f:
        for line in f:
            yield json.loads(line)


def tokenize(tokenizer, texts):
    ids = tokenizer.encode(texts, out_type=int, num_threads=2)
    return [[BOS] + t[:LONGEST - 2] + [EOS] for t in ids]


def vary(text, rng):
    """What people type: sometimes lower case, sometimes wrapped."""
    if rng.random() < 0.15:
        text = text.lower()
    if rng.random() < 0.03:
        text = text.replace(' ', '\n', 1)
    return text


class Index:
    """Numbers for things, in order of first appearance."""

    def __init__(self):
        self.number = {}

    def __call__(self, thing):
        return self.number.setdefault(thing, len(self.number))


def flat(tokens):
    """Lists of ids -> one array and the offsets of its parts."""
    return np.fromiter((i for t in tokens for i in t), np.uint16), np.cumsum([0] + [len(t) for t in tokens])


def prepare(corpus, work):
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(work / 'tokenizer.model'))
    rng = random.Random(1)
    text, key, source, label = Index(), Index(), Index(), Index()
    arrays, dev = {}, []
    for kind in MIX:
        rows = []
        for p in read(corpus / f'pairs-{kind}.jsonl.gz'):
            if kind in DEV_KINDS and rng.random() < DEV_SHARE:
                dev.append((p['a'], p['b']))
                continue
            negative = text(p['neg']) if 'neg' in p else -1
            same = label(p['label']) if 'label' in p else -1
            rows.append((text(vary(p['a'], rng)), text(vary(p['b'], rng)), negative,
                         key(p['a']), key(p['b']), same, source(p['src'])))
        arrays['pairs-' + kind] = np.array(rows, np.int32)
    arrays['ids'], arrays['offsets'] = flat(tokenize(tokenizer, list(text.number)))
    np.savez(work / 'pairs.npz', **arrays)

    with gzip.open(corpus / 'sentences.txt.gz', 'rt', encoding='utf-8') as f:
        ids, offsets = flat(tokenize(tokenizer, [line.rstrip('\n') for line in f]))
    np.savez(work / 'sentences.npz', ids=ids, offsets=offsets)

    rng.shuffle(dev)
    documents = list(dict.fromkeys(b for _, b in dev))[:DEV_DOCUMENTS]
    place = {d: i for i, d in enumerate(documents)}
    queries = [(a, [place[b]]) for a, b in dev[:DEV_QUERIES]]
    (work / 'dev.json').write_text(json.dumps({'queries': queries, 'documents': documents}))
    for name, rows in arrays.items():
        print(name, rows.shape)


class Pairs:
    """Batches of pairs, one kind at a time."""

    def __init__(self, work, seed):
        with np.load(work / 'pairs.npz') as z:
            self.ids, self.offsets = z['ids'].astype(np.int64), z['offsets']
            self.kinds = {k: z['pairs-' + k] for k in MIX}
        self.rng = np.random.default_rng(seed)
        self.waiting = {k: [] for k in MIX}
        share = np.array(list(MIX.values()))
        self.share = share / share.sum()

    def tokens(self, index, limit):
        """Ids of texts; a longer one loses its tail but keeps its EOS."""
        out = []
        for i in index:
            t = self.ids[self.offsets[i]:self.offsets[i + 1]]
            out.append(t if len(t) <= limit else np.append(t[:limit - 1], EOS))
        return out

    def epoch(self, kind, size):
        """Batches of row numbers. In every other epoch a batch comes from one source: harder negatives."""
        rows = self.kinds[kind]
        order = self.rng.permutation(len(rows))
        if self.rng.random() < 0.5:
            order = order[np.argsort(rows[order, 6], kind='stable')]
        cut = [order[i:i + size] for i in range(0, len(order), size)]
        self.rng.shuffle(cut := [c for c in cut if len(c) > size // 8])
        return cut

    def batch(self, size):
        """kind, rows [n, 7]: text a, text b, text neg or -1, key of a, key of b, label or -1, source."""
        kind = self.rng.choice(list(MIX), p=self.share)
        if not self.waiting[kind]:
            self.waiting[kind] = self.epoch(kind, size)
        return kind, self.kinds[kind][self.waiting[kind].pop()]


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
