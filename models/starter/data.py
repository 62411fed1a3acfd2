#!/usr/bin/python3
"""Training and evaluation data: pairs of texts, tokenised once.

    data.py CORPUS WORK             writes WORK/pairs.npz and WORK/dev.json
"""
import gzip
import json
import random
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import sentencepiece

from tokenizer import lines

# share of training steps per kind of pair; VIEWS are two parts of one text, NUMBERS too, beside one with other numbers
VIEWS, NUMBERS = MADE = 'views', 'numbers'
MIX = {VIEWS: 26, NUMBERS: 12, 'paraphrase': 25, 'word_gloss': 16, 'title_para': 14, 'nli': 14, 'synonym': 12,
       'gloss_example': 10, 'qa': 7, 'hypernym': 6, 'reason': 5, 'neighbor': 4, 'definition': 2, 'intent': 2, 'tldr': 2,
       'caption': 2, 'summary': 2, 'qa_short': 0.5, 'recipe': 0.25, 'dialog': 0.25}
BOS, EOS = 2, 1
LONGEST = 192       # tokens kept of a text
DEV_KINDS, DEV_QUERIES = ('title_para', 'qa'), 1000
DEV_SOURCES = ('openstax:astronomy', 'openstax:introduction-philosophy', 'swift-book')


def read(path):
    with gzip.open(path, 'rt', encoding='utf-8') as f:
        for line in f:
            yield json.loads(line)


class Tokenizer:
    """Texts -> ids of pieces in lower case, between BOS and EOS."""

    def __init__(self, work):
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(work / 'tokenizer.model'))
        self.pieces = [self.model.id_to_piece(i) for i in range(self.model.get_piece_size())]
        self.rows = np.load(work / 'rows.npy')

    def __call__(self, texts):
        ids = self.model.encode(texts, out_type=int, num_threads=2)
        return [self.rows[[BOS] + t[:LONGEST - 2] + [EOS]] for t in ids]


def held_out(pair):
    """Whether a pair is of a document that training does not see: some sources, and one document in thirty of the rest.

    Documents are told apart by what their headings have before a colon, or by what a question ends in.
    """
    if pair['src'] in DEV_SOURCES:
        return True
    a = pair['a'].lower()
    if pair['src'] == 'medquad':
        document = re.sub(r'inherited|[^a-z0-9]', '', a)[-14:]
    else:
        document = a.split(': ')[0]
    return zlib.crc32((pair['src'] + document).encode()) % 30 == 0


class Index:
    """Numbers for things, in order of first appearance."""

    def __init__(self):
        self.number = {}

    def __call__(self, thing):
        return self.number.setdefault(thing, len(self.number))


def flat(tokens):
    """Arrays of ids -> one array and the offsets of its parts."""
    return np.concatenate(tokens).astype(np.uint16), np.cumsum([0] + [len(t) for t in tokens])


def prepare(corpus, work):
    text, key, source, label = Index(), Index(), Index(), Index()
    arrays, dev = {}, []
    for kind in MIX:
        if kind in MADE:
            continue
        rows = []
        for p in read(corpus / f'pairs-{kind}.jsonl.gz'):
            if kind in DEV_KINDS and held_out(p):
                dev.append((p['a'], p['b']))
                continue
            negative = text(p['neg']) if 'neg' in p else -1
            same = label(p['label']) if 'label' in p else -1
            rows.append((text(p['a']), text(p['b']), negative, key(p['a']), key(p['b']), same, source(p['src'])))
        arrays['pairs-' + kind] = np.array(rows, np.int32)
    # sentences, and the paragraphs of title_para and qa, to take two views of
    held = {d for _, d in dev}
    sentences = list(lines(corpus / 'sentences.txt.gz'))
    views = [text(line) for line in sentences if len(line.split()) >= 6 and line not in held]
    for kind in DEV_KINDS:
        views += list(arrays['pairs-' + kind][:, 1]) * 2
    arrays['views'] = np.array(views, np.int32)
    arrays['ids'], arrays['offsets'] = flat(Tokenizer(work)(list(text.number)))
    np.savez(work / 'pairs.npz', **arrays)

    random.Random(1).shuffle(dev)
    documents = list(dict.fromkeys(b for _, b in dev))
    place = {d: i for i, d in enumerate(documents)}
    queries = [(a, [place[b]]) for a, b in dev[:DEV_QUERIES]]
    (work / 'dev.json').write_text(json.dumps({'queries': queries, 'documents': documents}))
    for name, rows in arrays.items():
        print(name, rows.shape)
    print('dev', len(queries), len(documents))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
