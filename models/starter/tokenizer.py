#!/usr/bin/python3
"""Train the tokenizer: 16,384 BPE pieces with byte fallback, laid out as Gemma's.

    tokenizer.py CORPUS WORK        writes WORK/tokenizer.model

Reads sentences.txt.gz of the corpus folder. Lines in other than Latin letters are left out: the model is
English first, and bytes carry the rest.
"""
import gzip
import sys
from pathlib import Path

import sentencepiece

PIECES = 16384
# whitespace runs are pieces of their own, so that indented or wrapped text stays short
RUNS = ['\n' * n for n in range(1, 32)] + ['\u2581' * n for n in range(2, 32)] + ['\t' * n for n in range(1, 32)]


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


def train(corpus, work):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines(corpus / 'sentences.txt.gz'), model_prefix=str(work / 'tokenizer'),
        model_type='bpe', vocab_size=PIECES, byte_fallback=True, split_digits=True, character_coverage=0.9995,
        normalization_rule_name='identity', add_dummy_prefix=False, remove_extra_whitespaces=False,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece='<pad>', eos_piece='<eos>', bos_piece='<bos>',
        user_defined_symbols=RUNS, num_threads=2, max_sentence_length=16384, train_extremely_large_corpus=False)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    train(Path(sys.argv[1]), Path(sys.argv[2]))
