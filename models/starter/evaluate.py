#!/usr/bin/python3
"""Measure an exported file: STS-B (Spearman) and the held-out search (nDCG@10), at every Matryoshka size.

    evaluate.py CORPUS WORK FILE [--test]       development sets; with --test the test sets, to be looked at once
"""
import argparse
import json
from pathlib import Path

import torch

import gguf
import metrics
from data import Tokenizer, read
from model import DIMS, encode


def sts(path):
    pairs = list(read(path))
    return [p['a'] for p in pairs], [p['b'] for p in pairs], [p['score'] for p in pairs]


def heldout(folder):
    documents = list(read(folder / 'heldout-corpus.jsonl.gz'))
    place = {d['id']: i for i, d in enumerate(documents)}
    queries = list(read(folder / 'heldout-queries.jsonl.gz'))
    return [q['q'] for q in queries], [d['text'] for d in documents], [{place[d] for d in q['docs']} for q in queries]


def development(work):
    search = json.loads((work / 'dev.json').read_text())
    return [q for q, _ in search['queries']], search['documents'], [set(d) for _, d in search['queries']]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('corpus', type=Path)
    ap.add_argument('work', type=Path)
    ap.add_argument('file', type=Path)
    ap.add_argument('--test', action='store_true')
    a = ap.parse_args()
    tokenize = Tokenizer(a.work)
    weights = {n.removesuffix('.weight'): torch.from_numpy(x.copy()) for n, x in gguf.Reader(a.file).tensors().items()}

    def vectors(texts):
        with torch.no_grad():
            parts, place = encode(weights, tokenize(texts))
            return torch.cat(parts)[place].numpy()

    part = 'test' if a.test else 'dev'
    left, right, scores = sts(a.corpus / 'eval' / f'stsb-en-{part}.jsonl.gz')
    queries, documents, relevant = heldout(a.corpus / 'eval') if a.test else development(a.work)
    left, right, queries, documents = map(vectors, (left, right, queries, documents))
    for dims in DIMS:
        spearman = metrics.spearman(metrics.cosines(left, right, dims), scores)
        print(f'{part} {dims:3} dims: STS-B Spearman {spearman:.4f}, '
              f'search nDCG@10 {metrics.ndcg(queries, documents, relevant, dims):.4f}')


if __name__ == '__main__':
    main()
