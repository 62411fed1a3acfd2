"""Searches in index files beside those of NumPy and FAISS, on vectors that are hard to search. Speaks TAP.

usage: test_search_oracles.py QUERN MKMODEL
The order of hits is decided by the last bit of a score, so the oracle in NumPy adds up the products, which are exact in
float64, in the order that src/kernels/spec.c states. Its scores are compared with NumPy's own product of matrices. FAISS
computes in float32: its hits may differ where scores are nearer to each other than it can tell.
"""
import json
import os
import sys
import tempfile

try:
    import numpy
except ImportError:
    print("1..0 # SKIP there is no NumPy")
    sys.exit(0)
try:
    import faiss
except ImportError:
    faiss = None

from scripted_checks import check, end, quern

FEW, MANY = 3, 70 # queries: few are rounded to 15 bits, many to 8; a search takes 64 at a time
OVERSAMPLING = 5
random = numpy.random.default_rng(20261130)


def normal(rows, dims):
    return random.standard_normal((rows, dims), dtype="float32")


def clustered(rows, dims):
    return normal(7, dims)[numpy.arange(rows) % 7] + normal(rows, dims) / 4096


def duplicated(rows, dims):
    return normal(7, dims)[numpy.arange(rows) % 7]


def whole_numbers(rows, dims):
    """Many equal scores, which no order of summing changes."""
    return random.integers(-2, 3, (rows, dims)).astype("float32")


def with_zeros(rows, dims):
    vectors = normal(rows, dims) * (random.random((rows, dims)) < 0.1)
    vectors[::3] = 0
    return vectors.astype("float32")


def of_all_lengths(rows, dims):
    """Lengths from 1e-30 to 1e17."""
    vectors = normal(rows, dims) / dims ** 0.5
    return (vectors * 10.0 ** random.integers(-30, 17, (rows, 1))).astype("float32")


def negative(rows, dims):
    return -abs(normal(rows, dims))


def denormal(rows, dims):
    return (normal(rows, dims) * 1e-41).astype("float32")


def one_large(rows, dims):
    """One number of each vector is so large that rounding to bytes leaves nothing of the others."""
    vectors = normal(rows, dims)
    vectors[numpy.arange(rows), random.integers(0, dims, rows)] *= 1e6
    return vectors


def one_large_for_all(rows, dims):
    vectors = normal(rows, dims)
    vectors[:, dims // 2] = 3e5
    return vectors


def nearly_equal(rows, dims):
    """Vectors that differ from one in the last bits of some numbers."""
    vectors = numpy.repeat(normal(1, dims), rows, axis=0)
    bits = vectors.view("uint32")
    bits ^= (random.integers(0, 4, vectors.shape) * (random.random(vectors.shape) < 4 / dims)).astype("uint32")
    return vectors


def permuted(rows, dims):
    """The same numbers in other orders: with a query of ones, only rounding in float64 tells the scores apart."""
    numbers = normal(1, dims) * 10.0 ** random.integers(-9, 9, (1, dims))
    return random.permuted(numpy.repeat(numbers, rows, axis=0), axis=1).astype("float32")


def signs(rows, dims):
    """Of one length, and all numbers of one size: rounding to bytes loses nothing."""
    return numpy.where(random.random((rows, dims)) < 0.5, -1, 1).astype("float32")


KINDS = (normal, clustered, duplicated, whole_numbers, with_zeros, of_all_lengths, negative, denormal, one_large,
         one_large_for_all, nearly_equal, permuted, signs)
DIMENSIONS = (1, 2, 3, 5, 15, 16, 17, 31, 63, 65, 127, 255, 257, 447, 769, 1023, 2047, 4095, 4096)


def scores_of(vectors, query):
    """Sixteen sums in float64, which are then added in halves."""
    rows, dims = vectors.shape
    sums = numpy.zeros((rows, 16))
    for first in range(0, dims, 16):
        width = min(16, dims - first)
        sums[:, :width] += vectors[:, first:first + width].astype("float64") * query[first:first + width]
    for half in (8, 4, 2, 1):
        sums = sums[:, :half] + sums[:, half:]
    return sums[:, 0]


class Index:
    """Vectors with ids, as an index file and as arrays."""

    def __init__(self, folder, vectors, ids, *options):
        self.folder, self.ids = folder, ids
        self.vectors = vectors.astype("float16").astype("float32") if "f16" in options else vectors
        self.order = sorted(range(len(ids)), key=lambda row: ids[row])
        numpy.save(self.path("vectors.npy"), vectors)
        with open(self.path("ids.txt"), "w", encoding="utf-8") as file:
            file.writelines("%s\n" % id for id in ids)
        quern("index", "import", "-q", self.path("vectors.npy"), "--ids", self.path("ids.txt"), "-o",
              self.path("index.qidx"), *options)

    def path(self, name):
        return os.path.join(self.folder, name)

    def search(self, queries, hits, *options):
        numpy.save(self.path("queries.npy"), queries)
        found = quern("search", "-q", self.path("index.qidx"), "--vectors", self.path("queries.npy"), "-k", str(hits),
                      *options).stdout
        return [json.loads(line) for line in found.splitlines()]

    def all_scores(self, query):
        return scores_of(self.vectors, query.astype("float64"))

    def best(self, query, hits):
        """(id, score) of the hits: by score, the best first, and then by id."""
        scores = self.all_scores(query)
        order = numpy.array(self.order)
        best = order[numpy.argsort(-scores[order], kind="stable")][:hits]
        return [(self.ids[row], scores[row]) for row in best]


def complaint(index, queries, hits, found):
    """What is wrong with certified hits, or None."""
    if len(found) != len(queries):
        return "%d lines for %d queries" % (len(found), len(queries))
    for number, (query, result) in enumerate(zip(queries, found)):
        expected = index.best(query, hits)
        if not result["certified"] or result["query"] != number:
            return result
        if [hit["id"] for hit in result["hits"]] != [id for id, _ in expected]:
            return "query %d of %d, %d hits: %s, not %s" % (number, len(queries), hits, result["hits"][:3],
                                                            expected[:3])
        for hit, (_, score) in zip(result["hits"], expected):
            if abs(hit["score"] - score) > 1e-8 * abs(score): # nine digits are printed
                return "query %d: the score %r is %r" % (number, hit, score)
    return None


def check_definition(index, query):
    """The sums of the oracle are those of NumPy's product of matrices, but for rounding in float64."""
    wide, asked = index.vectors.astype("float64"), query.astype("float64")
    limit = 1e-14 * numpy.linalg.norm(wide, axis=1) * numpy.linalg.norm(asked)
    return bool((abs(index.all_scores(query) - wide @ asked) <= limit + 1e-300).all())


def beside_faiss(index, queries, found, hits):
    """What FAISS finds and quern does not, though it is better by more than float32 can lose; or None."""
    flat = faiss.IndexFlatIP(index.vectors.shape[1])
    flat.add(numpy.ascontiguousarray(index.vectors))
    _, rows = flat.search(numpy.ascontiguousarray(queries), min(hits, len(index.ids)))
    lengths = numpy.linalg.norm(index.vectors.astype("float64"), axis=1)
    for query, result, theirs in zip(queries, found, rows):
        scores, ours = index.all_scores(query), [hit["id"] for hit in result["hits"]]
        slack = 1e-5 * numpy.linalg.norm(query.astype("float64")) # of the two scores that FAISS compared
        worst = index.ids.index(ours[-1])
        for row in theirs:
            if index.ids[row] not in ours and scores[row] > scores[worst]:
                return index.ids[row]
        for id in ours:
            row = index.ids.index(id)
            last = theirs[-1]
            if row not in theirs and scores[row] > scores[last] + slack * (lengths[row] + lengths[last]) + 1e-37:
                return "FAISS misses %s" % id
    return None


def check_kind(folder, kind, dims, rows, ids, *options):
    vectors = kind(rows, dims)
    index = Index(folder, vectors, ids, *options)
    queries = numpy.concatenate([numpy.ones((1, dims), "float32"), kind(MANY - 9, dims), vectors[:5], -vectors[:2],
                                 0 * vectors[:1]])
    wrong = None
    for count, hits in ((FEW, 1), (FEW, rows), (MANY, 10), (MANY, rows + 7)):
        wrong = wrong or complaint(index, queries[:count], hits, index.search(queries[:count], hits))
    for query in queries[:FEW]:
        wrong = wrong or (None if check_definition(index, query) else "the oracle differs from NumPy's product")
    name = "%s, %d vectors of %d numbers%s" % (kind.__name__, rows, dims, "".join(" " + word for word in options))
    check(name + ": all hits are NumPy's", wrong is None, wrong)
    if faiss and "f16" not in options:
        wrong = beside_faiss(index, queries[:FEW], index.search(queries[:FEW], 10), 10)
        check(name + ": FAISS finds no better ones", wrong is None, wrong)


def check_fast(folder, kind, dims, rows):
    """Bits may miss hits. What they find has its true score, and nothing is missed when all rows are scored."""
    index = Index(folder, kind(rows, dims), list(range(rows)), "--bits")
    queries = kind(FEW, dims)
    found = index.search(queries, 10, "--fast", "--oversampling", str(OVERSAMPLING))
    same, wrong = 0, None
    for query, result in zip(queries, found):
        best, scores = dict(index.best(query, 10)), index.all_scores(query)
        same += len(best.keys() & {hit["id"] for hit in result["hits"]})
        pairs = [(-hit["score"], hit["id"]) for hit in result["hits"]]
        if result["certified"] or result["rescored"] != 10 * OVERSAMPLING or pairs != sorted(pairs) or \
                any(abs(hit["score"] - scores[hit["id"]]) > 1e-8 * abs(scores[hit["id"]]) for hit in result["hits"]):
            wrong = result
    check("%s of %d numbers: --fast says what it does" % (kind.__name__, dims), wrong is None, wrong)
    print("# --oversampling %d finds %d of %d hits" % (OVERSAMPLING, same, 10 * FEW))
    whole = index.search(queries, 10, "--fast", "--oversampling", str(rows // 10))
    wrong = [result for query, result in zip(queries, whole)
             if [hit["id"] for hit in result["hits"]] != [id for id, _ in index.best(query, 10)]]
    check("%s of %d numbers: where a certified search is faster, --fast is certified" % (kind.__name__, dims),
          all(result["certified"] for result in whole))
    check("%s of %d numbers: with all rows scored, --fast misses none" % (kind.__name__, dims), not wrong, wrong)


def main():
    with tempfile.TemporaryDirectory() as folder:
        rows = 150
        numbers = [int(id) for id in random.permutation(10 ** 6)[:rows]]
        for at, dims in enumerate(DIMENSIONS):
            # All kinds with three sizes; with the others, some.
            for kind in KINDS if dims in (17, 257, 4095) else (KINDS[at % 13], KINDS[(5 * at + 3) % 13]):
                check_kind(folder, kind, dims, rows, numbers)
        names = ["%x/%s" % (id * 2654435761 % 65536, "äz"[id % 2]) for id in numbers]
        check_kind(folder, duplicated, 65, rows, names)
        check_kind(folder, clustered, 129, rows, numbers, "--dtype", "f16")
        check_kind(folder, normal, 33, 9001, [int(id) for id in random.permutation(9001)])
        check_kind(folder, nearly_equal, 255, 5003, [int(id) for id in random.permutation(5003)])
        for kind in (normal, clustered, duplicated, signs):
            check_fast(folder, kind, 257, 2000)
        if not faiss:
            print("# FAISS is not here: only NumPy was asked")
    return end()


sys.exit(main())
