#!/usr/bin/python3
"""Train the starter on CPU, in two phases.

    train.py CORPUS WORK bag    [--minutes 5]       token vectors alone, from co-occurrence    -> WORK/bag.pt
    train.py CORPUS WORK layers [--minutes 75]      all weights, from WORK/bag.pt              -> WORK/layers.pt

The learning rate follows the clock and reaches zero when the minutes are over. A run that was stopped goes on from
its last checkpoint. Losses and development figures go to WORK/PHASE.log, a JSON object a line.
"""
import argparse
import ctypes
import json
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.update(OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1')    # our threads take whole batches instead

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F

import metrics
from cooccur import token_vectors
from data import EOS, Pairs, read, tokenize
from model import DIMS, encode, encode_bag, initial

TEMPERATURE = 0.05
EMBEDDINGS, NORMS = 'token_embd', '_norm'
PHASES = {       # pairs a batch, share of tokens dropped, learning rates: token vectors, matrices, norms
    'bag': {'batch': 1024, 'drop': 0.15, 'rates': (1e-3, 0, 1e-3)},
    'layers': {'batch': 128, 'drop': 0.05, 'rates': (3e-4, 1.5e-3, 3e-3)},
}
LIMITS, LIMIT_SHARE = (24, 32, 64), (0.5, 0.35, 0.15)      # tokens kept of a text, drawn for each batch
SAVE_S, LOOK_S = 180, 1200                              # seconds between checkpoints, development figures


def same(x, y):
    return x[:, None] == y[None]


def contrast(a, b, rows):
    """InfoNCE over the batch, from a to b (and its negatives) and from b to a, at every Matryoshka size.

    a [n, E]; b [n + m, E], the first n of which answer a. Pairs that share a text or a label are no negatives.
    """
    n, rows = len(a), torch.from_numpy(rows)
    alike = same(rows[:, 3], rows[:, 3]) | same(rows[:, 4], rows[:, 4])
    alike |= same(rows[:, 5], rows[:, 5]) & (rows[:, 5] >= 0)
    alike.fill_diagonal_(False)
    alike = F.pad(alike, (0, len(b) - n))
    target, loss = torch.arange(n), 0
    for d in DIMS:
        logits = F.normalize(a[:, :d], dim=1) @ F.normalize(b[:, :d], dim=1).t() / TEMPERATURE
        logits = logits.masked_fill(alike, -math.inf)
        loss = loss + F.cross_entropy(logits, target) + F.cross_entropy(logits[:, :n].t(), target)
    return loss / (2 * len(DIMS))


def drop(tokens, share, rng):
    """Leave out some of each text's tokens, never the first nor the last."""
    out = []
    for t in tokens:
        keep = rng.random(len(t)) >= share
        keep[[0, -1]] = True
        out.append(t[keep])
    return out


class Development:
    """The sets that steer: STS-B's English development pairs, and queries cut from the training pairs."""

    def __init__(self, corpus, work):
        tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(work / 'tokenizer.model'))
        sts = list(read(corpus / 'eval' / 'stsb-en-dev.jsonl.gz'))
        search = json.loads((work / 'dev.json').read_text())
        self.a, self.b = (tokenize(tokenizer, [p[side] for p in sts]) for side in 'ab')
        self.scores = [p['score'] for p in sts]
        self.queries = tokenize(tokenizer, [q for q, _ in search['queries']])
        self.documents = tokenize(tokenizer, search['documents'])
        self.relevant = [set(d) for _, d in search['queries']]

    def look(self, encoder):
        with torch.no_grad():
            a, b, q, d = (encoder(t).numpy() for t in (self.a, self.b, self.queries, self.documents))
        out = {}
        for dims in DIMS:
            out[f'sts{dims}'] = round(metrics.spearman(metrics.cosines(a, b, dims), self.scores), 4)
            out[f'ndcg{dims}'] = round(metrics.ndcg(q, d, self.relevant, dims), 4)
        return out


class Training:
    def __init__(self, corpus, work, phase, minutes, threads):
        self.pool = ThreadPoolExecutor(threads)
        self.phase, self.minutes, self.setting = phase, minutes, PHASES[phase]
        self.encoder = encode_bag if phase == 'bag' else encode
        self.path, self.log = work / f'{phase}.pt', work / f'{phase}.log'
        self.weights, self.step, self.before = self.first(work), 0, 0.0
        names = list(self.weights)
        groups = ([EMBEDDINGS], [n for n in names if NORMS not in n and n != EMBEDDINGS], [n for n in names if NORMS in n])
        self.rates = self.setting['rates']
        self.optimiser = torch.optim.AdamW([{'params': [self.weights[n] for n in g]} for g in groups],
                                           betas=(0.9, 0.98), weight_decay=0.0, foreach=True)
        if self.path.exists():
            saved = torch.load(self.path)
            with torch.no_grad():
                for name, w in self.weights.items():
                    w.copy_(saved['weights'][name])
            self.optimiser.load_state_dict(saved['optimiser'])
            self.step, self.before = saved['step'], saved['seconds']
        self.began = time.monotonic()
        self.pairs = Pairs(work, seed=[2, self.step])
        self.development = Development(corpus, work)

    def first(self, work):
        rng = torch.Generator().manual_seed(1)
        weights = initial(rng)
        if self.phase == 'bag':
            weights['token_embd'] = token_vectors(work, rng)
        else:
            weights = torch.load(work / 'bag.pt')['weights']
        return {n: w.clone().requires_grad_() for n, w in weights.items()}

    def seconds(self):
        return self.before + time.monotonic() - self.began

    def save(self):
        part = self.path.with_suffix('.part')
        torch.save({'weights': {n: w.detach() for n, w in self.weights.items()},
                    'optimiser': self.optimiser.state_dict(), 'step': self.step, 'seconds': self.seconds()}, part)
        os.replace(part, self.path)

    def note(self, **what):
        line = json.dumps({'step': self.step, 'seconds': round(self.seconds(), 1), **what})
        with self.log.open('a') as f:
            f.write(line + '\n')
        print(line, flush=True)

    def vectors(self, tokens):
        parts, place = self.encoder(self.weights, tokens, run=self.pool.map)
        return torch.cat(parts)[place]

    def task(self):
        """What the next step learns from: the pairs' kind and rows, and the tokens of a, b and negatives."""
        rng, p = self.pairs.rng, self.pairs
        kind, rows = p.batch(self.setting['batch'])
        limit = rng.choice(LIMITS, p=LIMIT_SHARE)
        negatives = rows[rows[:, 2] >= 0, 2]
        index = np.concatenate((rows[:, 0], rows[:, 1], negatives))
        return kind, rows, drop(p.tokens(index, limit), self.setting['drop'], rng)

    def advance(self, done):
        """One step. The batch is encoded in parts on all threads, and each part's gradient goes back the same way."""
        kind, rows, tokens = self.task()
        parts, place = self.encoder(self.weights, tokens, run=self.pool.map)
        leaves = [p.detach().requires_grad_() for p in parts]
        vectors = torch.cat(leaves)[place]
        loss = contrast(vectors[:len(rows)], vectors[len(rows):], rows)
        loss.backward()
        self.optimiser.zero_grad(set_to_none=True)
        list(self.pool.map(lambda part, leaf: part.backward(leaf.grad), parts, leaves))
        table = self.weights[EMBEDDINGS]
        if table.grad.is_sparse:
            table.grad = table.grad.to_dense()
        torch.nn.utils.clip_grad_norm_([w for w in self.weights.values() if w.grad is not None], 1.0)
        warm = min(1, (self.step + 1) / 100)
        for group, rate in zip(self.optimiser.param_groups, self.rates):
            group['lr'] = rate * warm * (1 - done)
        self.optimiser.step()
        self.step += 1
        return kind, loss.item()

    def run(self):
        saved = looked = self.seconds()
        while self.seconds() < self.minutes * 60:
            done = self.seconds() / (self.minutes * 60)
            kind, loss = self.advance(done)
            if self.step % 10 == 0:
                self.note(kind=kind, loss=round(loss, 4))
            if self.seconds() - looked > LOOK_S:
                self.note(**self.development.look(self.vectors))
                looked = self.seconds()
            if self.seconds() - saved > SAVE_S:
                self.save()
                saved = self.seconds()
        self.save()
        self.note(**self.development.look(self.vectors))


def keep_memory():
    """Let malloc reuse large blocks: fresh pages for every tensor cost several times what is computed on them."""
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8
    libc = ctypes.CDLL(None)
    libc.mallopt(trim_threshold, 2**31 - 1)
    libc.mallopt(mmap_threshold, 2**31 - 1)
    libc.mallopt(arena_max, 1)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('corpus', type=Path)
    ap.add_argument('work', type=Path)
    ap.add_argument('phase', choices=list(PHASES))
    ap.add_argument('--minutes', type=float)
    ap.add_argument('--threads', type=int, default=2)
    a = ap.parse_args()
    keep_memory()
    torch.manual_seed(1)
    Training(a.corpus, a.work, a.phase, a.minutes or {'bag': 5, 'layers': 75}[a.phase], a.threads).run()


if __name__ == '__main__':
    sys.exit(main())
