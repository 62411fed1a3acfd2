#!/usr/bin/python3
"""Train the tokenizer: 18,176 BPE pieces with byte fallback, laid out as Gemma's, that cut a word alike in any case.

    tokenizer.py CORPUS WORK        writes WORK/tokenizer.model and WORK/rows.npy

"Bats", "bats" and "BATS" should be the same to a small model, but a tokenizer must not change a text. So the merges are
learned from lower-case text, and then their forms with capitals become pieces too, next in rank to the piece in lower
case, so that "Bats" is merged as "bats" is: every piece that begins a word with its first letter as a capital, and of
the others those that are seen most. rows.npy has, for each piece, the piece in lower case:
training knows only those, and the exported table has copies for the others.

Reads sentences.txt.gz and the pairs of the corpus folder. Lines in other than Latin letters are left out: the model is
English first, and bytes carry the rest.
"""
import collections
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import sentencepiece
from sentencepiece import sentencepiece_model_pb2

PIECES = 18176
LOWER_PIECES = 10240
SPACE = '\u2581'
# whitespace runs are pieces of their own, so that indented or wrapped text stays short
RUNS = ['\n' * n for n in range(1, 32)] + [SPACE * n for n in range(2, 32)] + ['\t' * n for n in range(1, 32)]


def latin(line):
    """At most one letter in ten from beyond Latin Extended-B (typographic punctuation does not count)."""
    other = sum(c > '\u024f' and not '\u2000' <= c <= '\u20ff' for c in line)
    return other * 10 <= len(line)


def lines(path):
    with gzip.open(path, 'rt', encoding='utf-8') as f:
        for line in f:
            line = line.rstrip('\n')
            if latin(line):
                yield line


def learn(corpus, work):
    """The model of text in lower case."""
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(line.lower() for line in lines(corpus / 'sentences.txt.gz')),
        model_prefix=str(work / 'lower'), model_type='bpe', vocab_size=LOWER_PIECES, byte_fallback=True,
        split_digits=True, character_coverage=0.9999, normalization_rule_name='identity',
        add_dummy_prefix=True, remove_extra_whitespaces=False, pad_id=0, eos_id=1, bos_id=2, unk_id=3,
        pad_piece='<pad>', eos_piece='<eos>', bos_piece='<bos>', user_defined_symbols=RUNS, num_threads=2,
        max_sentence_length=16384, train_extremely_large_corpus=False)
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((work / 'lower.model').read_bytes())
    return model


def words(corpus):
    """How often each word with a capital is seen."""
    count = collections.Counter()
    for line in lines(corpus / 'sentences.txt.gz'):
        count.update(line.split(' '))
    for path in sorted(corpus.glob('pairs-*.jsonl.gz')):
        for line in lines(path):
            pair = json.loads(line)
            count.update((pair['a'] + ' ' + pair['b']).split(' '))
    return {w: n for w, n in count.items() if w != w.lower() and len(w) == len(w.lower())}


def seen_forms(model, count):
    """Pieces with capitals that the words' parts would be, the commonest first."""
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
    seen = collections.Counter()
    for (word, n), parts in zip(count.items(), tokenizer.encode([w.lower() for w in count], out_type=str)):
        form, at = SPACE + word, 0
        if ''.join(parts) != form.lower():
            continue                                    # some of it is bytes
        for part in parts:
            seen[form[at:at + len(part)]] += n
            at += len(part)
    return [form for form, _ in seen.most_common() if form != form.lower()]


def merged(form, rank):
    """What the form's characters become, merge by merge, if every piece has all forms; the form itself is the last."""
    parts, made = list(form), []
    while len(parts) > 1:
        best = min(range(len(parts) - 1), key=lambda i: rank.get((parts[i] + parts[i + 1]).lower(), len(rank)))
        parts[best:best + 2] = [parts[best] + parts[best + 1]]
        made.append(parts[best])
    return made


def add_forms(model, count):
    """The model with as many forms as there is room for, each with what it is merged from."""
    ordinary = [p.piece for p in model.pieces if p.type == p.NORMAL]
    rank = {piece: i for i, piece in enumerate(ordinary)}
    forms = {c.upper() for c in ordinary if len(c.upper()) == 1 and c.upper().lower() == c} - rank.keys()
    room = PIECES - len(model.pieces)
    headings = [p[0] + p[1].upper() + p[2:] for p in ordinary if p[0] == SPACE and p[1:2].upper() in forms]
    for form in headings + seen_forms(model, count):
        need = {m for m in merged(form, rank) if m != m.lower()} - forms
        if len(forms) + len(need) <= room:
            forms |= need
    out = sentencepiece_model_pb2.ModelProto()
    out.CopyFrom(model)
    del out.pieces[:]
    out.pieces.extend(p for p in model.pieces if p.type != p.NORMAL)
    for i, piece in enumerate(sorted([*ordinary, *forms], key=lambda p: (rank[p.lower()], p in forms, p))):
        out.pieces.add(piece=piece, score=-float(i))
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    corpus, work = map(Path, sys.argv[1:])
    model = add_forms(learn(corpus, work), words(corpus))
    (work / 'tokenizer.model').write_bytes(model.SerializeToString())
    number = {p.piece: i for i, p in enumerate(model.pieces)}
    rows = [number.get(p.piece.lower(), i) if p.type == p.NORMAL else i for i, p in enumerate(model.pieces)]
    np.save(work / 'rows.npy', np.array(rows, np.int32))
    print(len(rows), 'pieces,', len(set(rows)), 'of them different in lower case')


if __name__ == '__main__':
    main()
