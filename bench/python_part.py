#!/usr/bin/env python3
"""What Python takes of the time of the package in bindings/python, and whether threads keep the cores busy. Both can be
measured on a busy machine: they are processor time and counts of threads that could run.

usage: PYTHONPATH=build/bindings/python bench/python_part.py MODEL
"""
import glob
import sys
import threading
import time

import quern
import quern.embedder
from quern import _library, _model

WORDS = "the a cat dog house river water plant drink tree sun red apple fruit tax office city road".split()
TEXTS = [" ".join(WORDS[(7 * i + 3 * j * (i % 5 + 1)) % len(WORDS)] for j in range(14)) for i in range(10000)]
CALLERS = 8


class WithoutWork:
    """The library, but no text is embedded."""

    def __getattr__(self, name):
        return getattr(_library.lib, name)

    @staticmethod
    def quern_embed(*arguments):
        return 0


def seconds(function, times):
    """The least processor time of several calls."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return min(taken)


def measure_part(path):
    model = quern.Embedder(path)
    tokens = sum(map(len, model.tokenize(TEXTS[:1000]))) / 1000
    whole = seconds(lambda: model.encode(TEXTS), 3)
    quern.embedder.lib = WithoutWork()
    python = seconds(lambda: model.encode(TEXTS), 20)
    single = seconds(lambda: [model.encode("a red apple") for _ in range(1000)], 10) / 1000
    quern.embedder.lib = _library.lib
    print("%d texts of %.1f tokens: %.2f s of processor time, %.2f %% of it in Python" %
          (len(TEXTS), tokens, whole, 100 * python / whole))
    print("a single text: %.1f us in Python" % (single * 1e6))


def could_run():
    """Nanoseconds that the threads of this process have run, or waited for a core."""
    total = 0
    for path in glob.glob("/proc/self/task/*/schedstat"):
        with open(path, encoding="ascii") as file:
            total += sum(map(int, file.read().split()[:2]))
    return total


def measure_threads(path, contexts, at_once):
    _model.CONTEXTS = contexts
    model = quern.Embedder(path)
    model.encode(TEXTS[:64])
    gate = threading.Barrier(CALLERS + 1)

    def work(number):
        gate.wait()
        mine = TEXTS[number:4000:CALLERS]
        for start in range(0, len(mine), at_once):
            model.encode(mine[start:start + at_once])
        gate.wait()  # the work is done
        gate.wait()  # and measured
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    before, start = could_run(), time.perf_counter()
    gate.wait()
    gate.wait()
    after, end = could_run(), time.perf_counter()
    gate.wait()
    for thread in threads:
        thread.join()
    print("%d callers, %d texts a call, %d contexts: %.1f threads could run at a time" %
          (CALLERS, at_once, contexts, (after - before) / 1e9 / (end - start)))


if __name__ == "__main__":
    measure_part(sys.argv[1])
    for number in (1, 64):
        for count in (1, 2, 4, 8):
            measure_threads(sys.argv[1], count, number)
