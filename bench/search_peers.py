"""FAISS and hnswlib for bench/search: python3 search_peers.py ROWS THREADS. Prints lines of JSON: program, queries at once,
times, and the recall: the part of the hits of FAISS's flat index, which is exact, that a program finds.
"""
import json
import sys
import time

try:
    import faiss
    import numpy
except ImportError as missing:
    print("bench/search: FAISS and hnswlib are left out: %s" % missing, file=sys.stderr)
    sys.exit(0)
try:
    import hnswlib
except ImportError as missing:
    hnswlib = None
    print("bench/search: hnswlib is left out: %s" % missing, file=sys.stderr)

DIMENSIONS, FOUND = 768, 10
FEW_ROWS = 200000 # with more of them, 64 queries take minutes, and so does building a graph
GRAPH = {"M": 16, "ef_construction": 200} # the values of hnswlib's examples


def least(call, seconds=2.0):
    """The least and the median time of a call, in milliseconds."""
    times = []
    end = time.perf_counter() + seconds
    call()
    while len(times) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return min(times), sorted(times)[len(times) // 2]


def measure(name, search, queries, exact, built, few):
    """search(queries) gives the rows of the best, one line for each query. Returns them, for all queries."""
    rows = search(queries)
    exact = rows if exact is None else exact
    recall = sum(len(set(a) & set(b)) for a, b in zip(rows.tolist(), exact.tolist())) / exact.size
    for count in (1, 64) if few else (1,):
        best, median = least(lambda: search(queries[:count]))
        print(json.dumps({"program": name, "queries": count, "min_ms": best, "p50_ms": median, "build_s": built,
                          "recall": recall}), flush=True)
    return rows


def built_faiss(index, vectors):
    begin = time.perf_counter()
    if not index.is_trained:
        index.train(vectors[:10000])
    index.add(vectors)
    return time.perf_counter() - begin


def measure_graph(vectors, queries, exact, threads):
    index = hnswlib.Index(space="ip", dim=DIMENSIONS)
    index.init_index(max_elements=len(vectors), **GRAPH)
    begin = time.perf_counter()
    index.add_items(vectors, num_threads=threads)
    built = time.perf_counter() - begin
    for ef in (100, 1000):
        index.set_ef(ef)
        measure("hnswlib, M %d, ef %d, not exact" % (GRAPH["M"], ef),
                lambda some: index.knn_query(some, k=FOUND, num_threads=threads)[0], queries, exact, built, True)


def main():
    rows, threads = int(sys.argv[1]), int(sys.argv[2])
    faiss.omp_set_num_threads(threads)
    random = numpy.random.default_rng(7)
    queries = (random.standard_normal((64, DIMENSIONS)) / DIMENSIONS ** 0.5).astype("float32")
    kinds = {"FAISS flat": faiss.IndexFlatIP(DIMENSIONS),
             "FAISS 8 bits, not exact": faiss.IndexScalarQuantizer(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit,
                                                                   faiss.METRIC_INNER_PRODUCT)}
    vectors = (random.standard_normal((rows, DIMENSIONS), dtype="float32") / DIMENSIONS ** 0.5)
    exact = None
    for name, index in kinds.items():
        built = built_faiss(index, vectors)
        found = measure("%s %s" % (name, faiss.__version__), lambda some: index.search(some, FOUND)[1], queries, exact,
                        built, rows <= FEW_ROWS)
        exact = found if exact is None else exact
        index.reset()
    if hnswlib and rows <= FEW_ROWS:
        measure_graph(vectors, queries, exact, threads)


main()
