"""First token vectors: what each token is seen with.

The positive pointwise mutual information of tokens within a few places of each other in the texts of pairs.npz, brought
to the model's width by a randomised singular value decomposition (Halko, Martinsson and Tropp, 2011).
"""

import numpy as np
import torch

from data import BOS, EOS, Tokenizer
from model import SINK, VOCAB, WIDTH

REACH = 8           # places apart; the count falls as 1/distance
SMOOTH = 0.75       # flattens the contexts' frequencies, which favours rare contexts less
COMMON = 1e-3       # a token with this frequency has half a rare one's weight


def counts(ids, line):
    """Weighted co-occurrence [VOCAB, VOCAB], sparse; pairs across two lines do not count."""
    total = torch.sparse_coo_tensor(size=(VOCAB, VOCAB))
    for d in range(1, REACH + 1):
        same = line[d:] == line[:-d]
        at = torch.stack((ids[:-d][same], ids[d:][same]))
        total = (total + torch.sparse_coo_tensor(at, torch.full((at.shape[1],), 1 / d), (VOCAB, VOCAB))).coalesce()
    return (total + total.t()).coalesce()


def ppmi(c):
    """max(0, log p(a, b) / (p(a) p(b)^SMOOTH)) of the counts' entries."""
    (a, b), n = c.indices(), c.values()
    p = torch.zeros(VOCAB).index_add_(0, a, n)
    q = p ** SMOOTH
    m = torch.log(n / n.sum() / (p[a] / p.sum() * q[b] / q.sum())).clamp(min=0)
    return torch.sparse_coo_tensor(c.indices(), m, c.shape).coalesce()


def decompose(m, rank, rng, rounds=4):
    """The leading `rank` left singular vectors of m, each times the root of its singular value."""
    q = torch.randn(VOCAB, rank + 32, generator=rng)
    for _ in range(rounds):
        q, _ = torch.linalg.qr(torch.sparse.mm(m, q))
        q, _ = torch.linalg.qr(torch.sparse.mm(m.t(), q))
    u, s, _ = torch.linalg.svd(torch.sparse.mm(m, q), full_matrices=False)
    return u[:, :rank] * s[:rank].sqrt()


def groups(work):
    """For each token, the number of its group: pieces that differ only in the space before share one."""
    number = {}
    return torch.tensor([number.setdefault(piece.lstrip('\u2581') or i, len(number))
                         for i, piece in enumerate(Tokenizer(work).pieces)])


def token_vectors(work, rng):
    """[VOCAB, WIDTH] of root mean square 1/sqrt(WIDTH): direction by meaning, share outside the sink by rarity."""
    with np.load(work / 'pairs.npz') as z:
        ids, length = torch.from_numpy(z['ids'].astype(np.int64)), torch.from_numpy(np.diff(z['offsets']))
    group = groups(work)
    line = torch.repeat_interleave(torch.arange(len(length)), length)
    text = (ids != BOS) & (ids != EOS)
    v = decompose(ppmi(counts(group[ids[text]], line[text])), WIDTH - SINK, rng)
    # spread the leading directions evenly, so that the first 64 or 128 dimensions say about as much as others
    turn, _ = torch.linalg.qr(torch.randn(WIDTH - SINK, WIDTH - SINK, generator=rng))
    v = v @ turn
    v = torch.where(v.norm(dim=1, keepdim=True) > 0, v, torch.randn(v.shape, generator=rng))
    v = v[group]
    frequency = (torch.bincount(group[ids], minlength=VOCAB) / len(ids))[group]
    weight = (COMMON / (COMMON + frequency)).clamp(min=0.05, max=0.98)[:, None]
    content = v / v.norm(dim=1, keepdim=True) * weight
    sink = ((1 - weight ** 2) / SINK).sqrt().expand(-1, SINK)
    return torch.cat((content, sink), 1)
