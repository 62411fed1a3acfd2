"""How good vectors are: rank correlation with human scores, and search."""
import math

import numpy as np


def ranks(x):
    """Ranks from 0; equal values share their mean rank."""
    values, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    last = count.cumsum()
    return (last - (count + 1) / 2)[inverse]


def pearson(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def spearman(x, y):
    return pearson(ranks(np.asarray(x)), ranks(np.asarray(y)))


def unit(v, dims):
    """The first `dims` dimensions, of length one."""
    v = v[:, :dims]
    return v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12)


def cosines(a, b, dims):
    return (unit(a, dims) * unit(b, dims)).sum(1)


def ndcg(queries, documents, relevant, dims, k=10):
    """Mean nDCG@k; relevant[i] is the set of rows of `documents` that answer query i."""
    similarity = unit(queries, dims) @ unit(documents, dims).T
    gain = 0.0
    for row, good in zip(similarity, relevant):
        top = np.argsort(-row, kind='stable')[:k]
        best = sum(1 / math.log2(i + 2) for i in range(min(k, len(good))))
        gain += sum(1 / math.log2(i + 2) for i, d in enumerate(top) if d in good) / best
    return gain / len(relevant)
