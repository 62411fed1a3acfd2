"""FAISS for bench/search: python3 search_peers.py ROWS THREADS. Prints a line of JSON for each kind of index."""
import json
import sys
import time

try:
    import faiss
    import numpy
except ImportError as missing:
    print("bench/search: FAISS is left out: %s" % missing, file=sys.stderr)
    sys.exit(0)

DIMENSIONS, FOUND = 768, 10


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


def main():
    rows, threads = int(sys.argv[1]), int(sys.argv[2])
    faiss.omp_set_num_threads(threads)
    random = numpy.random.default_rng(7)
    queries = (random.standard_normal((64, DIMENSIONS)) / DIMENSIONS ** 0.5).astype("float32")
    kinds = {"FAISS flat": faiss.IndexFlatIP(DIMENSIONS),
             "FAISS 8 bits, not exact": faiss.IndexScalarQuantizer(DIMENSIONS, faiss.ScalarQuantizer.QT_8bit,
                                                                   faiss.METRIC_INNER_PRODUCT)}
    vectors = (random.standard_normal((rows, DIMENSIONS), dtype="float32") / DIMENSIONS ** 0.5)
    for name, index in kinds.items():
        begin = time.perf_counter()
        if not index.is_trained:
            index.train(vectors[:10000])
        index.add(vectors)
        built = time.perf_counter() - begin
        for count in (1, 64) if rows <= 200000 else (1,): # 64 of them in 1,000,000 take minutes
            best, median = least(lambda: index.search(queries[:count], FOUND))
            print(json.dumps({"program": "%s %s" % (name, faiss.__version__), "queries": count, "min_ms": best,
                              "p50_ms": median, "build_s": built}), flush=True)
        index.reset()


main()
