#!/usr/bin/python3
"""Train the starter on CPU, in two phases.

    train.py CORPUS WORK bag    [--steps 2400]      token vectors alone, from co-occurrence    -> WORK/bag.pt
    train.py CORPUS WORK layers [--steps 400]       the layers, beside WORK/bag.pt's vectors   -> WORK/layers.pt

The learning rate falls to zero at the last step. A run that was stopped goes on from its last checkpoint. Losses and development figures go to WORK/PHASE.log, a JSON object a line.
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

# a batch of bags is one big product, which the library's threads share; a batch of layers is parts, for threads of ours
THREADS = '1' if 'layers' in sys.argv else '2'
os.environ.update(OMP_NUM_THREADS=THREADS, OPENBLAS_NUM_THREADS=THREADS)

import numpy as np
import torch
import torch.nn.functional as F

import metrics
from batches import Pairs
from cooccur import token_vectors
from data import MIX, NUMBERS, VIEWS, Tokenizer, read
from model import DIMS, SINK, WIDTH, encode, encode_bag, initial, rms_norm

TEMPERATURE, COLD = 0.05, 0.03                          # the colder for search, where the nearest matter most
SEARCH = ('title_para', 'qa', 'views', 'tldr', 'summary')
EMBEDDINGS, NORMS = 'token_embd', '_norm'
PHASES = {       # pairs or tokens a batch, tokens kept of a text, share dropped, rates: token vectors, matrices, norms
    'bag': {'steps': 2400, 'batch': 1024, 'limits': (48, 96, 160), 'drop': 0.3, 'rates': (1.5e-3, 0, 1.5e-3)},
    'layers': {'steps': 400, 'tokens': 7000, 'limits': (32, 64, 128), 'drop': 0.15, 'rates': (0, 8e-4, 2e-3)},
}
LIMIT_SHARE = (0.4, 0.4, 0.2)
SPREAD, DIGITS = 1.5, 4.0     # weights of tokens before the layers learn: their power, that of digits
SAVE, LOOK = 200, 800                                   # steps between checkpoints, development figures


def same(x, y):
    return x[:, None] == y[None]


def contrast(a, b, rows, negatives, temperature):
    """InfoNCE over the batch, from a to b (and its negatives) and from b to a, at all dimensions and at one cut.

    a [n, E]; b [n + m, E], the first n of which answer a. Pairs that share a text or a label are no negatives.
    """
    n, rows = len(a), torch.from_numpy(rows)
    alike = same(rows[:, 3], rows[:, 3]) | same(rows[:, 4], rows[:, 4])
    alike |= same(rows[:, 5], rows[:, 5]) & (rows[:, 5] >= 0)
    alike.fill_diagonal_(False)
    alike = torch.cat((alike, same(rows[:, 4], torch.from_numpy(negatives[:, 1]))), 1)
    target, loss = torch.arange(n), 0
    for d in (DIMS[0], DIMS[int(torch.randint(1, len(DIMS), ()))]):
        logits = F.normalize(a[:, :d], dim=1) @ F.normalize(b[:, :d], dim=1).t() / temperature
        logits = logits.masked_fill(alike, -math.inf)
        loss = loss + F.cross_entropy(logits, target) + F.cross_entropy(logits[:, :n].t(), target)
    return loss / 4


def drop(tokens, share, rng):
    """Leave out some of each text's tokens, fewer of short texts, never the first nor the last."""
    out = []
    for t in tokens:
        keep = rng.random(len(t)) >= share * min(1, len(t) / 16)
        keep[[0, -1]] = True
        out.append(t[keep])
    return out


class Development:
    """The sets that steer: STS-B's English development pairs, and queries cut from the training pairs."""

    def __init__(self, corpus, work):
        tokenize = Tokenizer(work)
        sts = list(read(corpus / 'eval' / 'stsb-en-dev.jsonl.gz'))
        search = json.loads((work / 'dev.json').read_text())
        self.a, self.b = (tokenize([p[side] for p in sts]) for side in 'ab')
        self.scores = [p['score'] for p in sts]
        self.queries = tokenize([q for q, _ in search['queries']])
        self.documents = tokenize(search['documents'])
        self.relevant = [set(d) for _, d in search['queries']]

    def look(self, encoder):
        with torch.no_grad():
            a, b, q, d = (encoder(t).numpy() for t in (self.a, self.b, self.queries, self.documents))
        out = {}
        for dims in DIMS:
            out[f'sts{dims}'] = round(metrics.spearman(metrics.cosines(a, b, dims), self.scores), 4)
            out[f'ndcg{dims}'] = round(metrics.ndcg(q, d, self.relevant, dims), 4)
        return out


def weigh(weights, pieces):
    """The table of token vectors with other weights in the mean: contrast learns that digits say little, as texts about
    one thing have other numbers; who compares texts takes another number for another meaning.

    The final norm gives every token one length; its weight is the share of that length outside the sink.
    """
    table = rms_norm(weights['token_embd'] * math.sqrt(WIDTH), torch.ones(WIDTH))
    weight = (table * weights['output_norm'])[:, :-SINK].norm(dim=1)
    digit = torch.tensor([p.lstrip('\u2581').isdigit() for p in pieces])
    wanted = weight ** SPREAD * torch.where(digit, DIGITS, 1.0)
    content = table[:, :-SINK] * (wanted / weight)[:, None]
    content *= 0.99 * math.sqrt(WIDTH) / content.norm(dim=1).max()
    sink = ((WIDTH - content.square().sum(1, keepdim=True)) / SINK).sqrt()
    return torch.cat((content, sink.expand(-1, SINK)), 1) / math.sqrt(WIDTH)


class RowAdam:
    """Adam on the rows of a table that a step touched; the others wait."""

    def __init__(self, table, betas=(0.9, 0.98), eps=1e-8):
        self.table, self.betas, self.eps = table, betas, eps
        self.state = {'mean': torch.zeros(table.shape), 'square': torch.zeros(table.shape), 'step': 0}

    def advance(self, rate):
        g = self.table.grad
        if g.is_sparse:
            g = g.coalesce()
            rows, g = g.indices()[0], g.values()
        else:
            rows = g.any(1).nonzero()[:, 0]
            g = g[rows]
        b1, b2 = self.betas
        self.state['step'] += 1
        with torch.no_grad():
            mean = self.state['mean'][rows].mul_(b1).add_(g, alpha=1 - b1)
            square = self.state['square'][rows].mul_(b2).addcmul_(g, g, value=1 - b2)
            self.state['mean'][rows], self.state['square'][rows] = mean, square
            t = self.state['step']
            change = mean / (1 - b1 ** t) / (square / (1 - b2 ** t)).sqrt_().add_(self.eps)
            self.table[rows] -= rate * change


class Training:
    def __init__(self, corpus, work, phase, steps, threads):
        self.pool = ThreadPoolExecutor(threads)
        self.phase, self.setting = phase, PHASES[phase]
        self.steps = steps or self.setting['steps']
        self.encoder = encode_bag if phase == 'bag' else encode
        self.path, self.log = work / f'{phase}.pt', work / f'{phase}.log'
        self.rates = self.setting['rates']
        self.weights, self.step, self.before = self.first(work), 0, 0.0
        names = [n for n in self.weights if n != EMBEDDINGS]
        groups = ([n for n in names if NORMS not in n], [n for n in names if NORMS in n])
        self.rows = RowAdam(self.weights[EMBEDDINGS])
        self.optimiser = torch.optim.AdamW([{'params': [self.weights[n] for n in g]} for g in groups],
                                           betas=(0.9, 0.98), weight_decay=0.0, foreach=True)
        if self.path.exists():
            saved = torch.load(self.path)
            with torch.no_grad():
                for name, w in self.weights.items():
                    w.copy_(saved['weights'][name])
            self.optimiser.load_state_dict(saved['optimiser'])
            self.rows.state = saved['rows']
            self.step, self.before = saved['step'], saved['seconds']
        self.began = time.monotonic()
        # a bag could but make digits heavy, which weigh does
        mix = {k: share for k, share in MIX.items() if k != NUMBERS or phase == 'layers'}
        self.pairs = Pairs(work, mix, seed=[2, self.step])
        self.sizes = {k: self.setting.get('batch') or self.pairs.batch_size(k, self.setting['tokens']) for k in mix}
        self.development = Development(corpus, work)

    def first(self, work):
        rng = torch.Generator().manual_seed(1)
        weights = initial(rng)
        if self.phase == 'bag':
            first = work / 'first.pt'
            if not first.exists():
                torch.save(token_vectors(work, rng), first)
            weights['token_embd'] = torch.load(first)
        else:
            weights = torch.load(work / 'bag.pt')['weights']
            tokenizer = Tokenizer(work)
            weights['token_embd'] = weights['token_embd'][tokenizer.rows]       # from here on capitals have rows, too
            weights['token_embd'] = weigh(weights, tokenizer.pieces)
        learning = [n for n in weights if n != EMBEDDINGS or self.rates[0] > 0]
        return {n: w.clone().requires_grad_(n in learning) for n, w in weights.items()}

    def seconds(self):
        return self.before + time.monotonic() - self.began

    def save(self):
        part = self.path.with_suffix('.part')
        torch.save({'weights': {n: w.detach() for n, w in self.weights.items()},
                    'optimiser': self.optimiser.state_dict(), 'rows': self.rows.state,
                    'step': self.step, 'seconds': self.seconds()}, part)
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
        kind, rows, negatives = p.batch(self.sizes)
        limit = rng.choice(self.setting['limits'], p=LIMIT_SHARE)
        if kind == VIEWS:
            rows, tokens = p.views(self.sizes[kind], limit)
            return kind, rows, np.empty((0, 2), np.int32), tokens
        if kind == NUMBERS:
            rows, tokens = p.numbers(self.sizes[kind], limit)
            return kind, rows, np.stack((rows[:, 3], -2 - rows[:, 4]), 1), tokens
        if kind in p.hard and self.phase == 'layers':
            negatives = negatives[:len(negatives) // 2]
        index = np.concatenate((rows[:, 0], rows[:, 1], negatives[:, 0]))
        tokens = p.tokens(index, limit)
        return kind, rows, negatives, drop(tokens, self.setting['drop'], rng)

    def advance(self):
        """One step. The batch is encoded in parts on all threads, and each part's gradient goes back the same way."""
        kind, rows, negatives, tokens = self.task()
        parts, place = self.encoder(self.weights, tokens, run=self.pool.map)
        leaves = [p.detach().requires_grad_() for p in parts]
        vectors = torch.cat(leaves)[place]
        temperature = COLD if kind in SEARCH else TEMPERATURE
        loss = contrast(vectors[:len(rows)], vectors[len(rows):], rows, negatives, temperature)
        loss.backward()
        for w in self.weights.values():
            w.grad = None
        list(self.pool.map(lambda part, leaf: part.backward(leaf.grad), parts, leaves))
        others = [w for n, w in self.weights.items() if n != EMBEDDINGS and w.grad is not None]
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        warm = min(1, (self.step + 1) / 100) * (1 - self.step / self.steps)
        if self.rates[0] > 0:
            self.rows.advance(self.rates[0] * warm)
        for group, rate in zip(self.optimiser.param_groups, self.rates[1:]):
            group['lr'] = rate * warm
        self.optimiser.step()
        self.step += 1
        return kind, loss.item()

    def run(self):
        while self.step < self.steps:
            kind, loss = self.advance()
            if self.step % 10 == 0:
                self.note(kind=kind, loss=round(loss, 4))
            if self.step % SAVE == 0:
                self.save()
            if self.step % LOOK == 0 or self.step == self.steps:
                self.note(**self.development.look(self.vectors))
        self.save()


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
    ap.add_argument('--steps', type=int)
    ap.add_argument('--threads', type=int, default=2)
    a = ap.parse_args()
    keep_memory()
    torch.manual_seed(1)
    Training(a.corpus, a.work, a.phase, a.steps, a.threads).run()


if __name__ == '__main__':
    sys.exit(main())
