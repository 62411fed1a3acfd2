"""Threads, fork, pickle, Ctrl-C, the end of the interpreter, and subinterpreters."""
import gc
import itertools
import multiprocessing
import os
import pickle
import sys
import threading
import time
import types
import unittest

from trial import in_child, run_python, tiny_model
import quern
from quern import _model

# How a subinterpreter is made, runs a program, and ends. ctypes of Python 3.12 does not load in isolated ones.
if sys.version_info >= (3, 13):
    SUBINTERPRETERS = "import _interpreters as module; create, run = module.create, module.exec"
elif sys.version_info >= (3, 12):
    SUBINTERPRETERS = ("import _xxsubinterpreters as module; create, run = lambda: module.create(isolated=False), "
                       "module.run_string")
else:
    SUBINTERPRETERS = "import _xxsubinterpreters as module; create, run = module.create, module.run_string"

MANY = ["text number %d" % number for number in range(300)]
SHARED = None


def data(vectors):
    return bytes(vectors) if isinstance(vectors, memoryview) else vectors.tobytes()


def embed_shared(texts):
    return data(SHARED.encode(texts))


def embed_given(model, texts):
    return data(model.encode(texts))


def maps_of_model():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return file.read().count(tiny_model())


class Threads(unittest.TestCase):
    def setUp(self):
        self.model = quern.Embedder(tiny_model())
        self.expected = data(self.model.encode(MANY))

    def in_threads(self, count, work):
        failures = []

        def run(number):
            try:
                work(number)
            except BaseException as error:  # noqa: B902
                failures.append(error)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())
        return failures

    def test_eight_threads_share_a_model(self):
        def work(number):
            for _ in range(5):
                self.assertEqual(data(self.model.encode(MANY)), self.expected)
                self.assertEqual(len(self.model.tokenize(MANY[:50])), 50)
        self.assertEqual(self.in_threads(8, work), [])

    def test_closing_while_others_embed(self):
        gc.collect()
        before = maps_of_model()
        model = quern.Embedder(tiny_model())

        def work(number):
            with self.assertRaisesRegex(quern.InputError, "closed"):
                while True:
                    self.assertEqual(data(model.encode(MANY)), self.expected)

        def close():
            while not model._model._pool.waiting:
                time.sleep(0.001)
            model.close()
        closer = threading.Thread(target=close)
        closer.start()
        self.assertEqual(self.in_threads(6, work), [])
        closer.join()
        self.assertEqual(maps_of_model(), before)

    def test_a_context_is_passed_on_in_turn(self):
        """A thread that embeds without end does not keep a context from others."""
        ends = threading.Event()

        def busy():
            for _ in self.model_vectors():
                if ends.is_set():
                    return
        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            self.model.encode("a")
        ends.set()
        for thread in threads:
            thread.join()

    def model_vectors(self):
        fast = quern.TextEmbedding(tiny_model())
        fast.embedder = self.model
        return fast.embed(itertools.repeat("text"))

    def test_a_model_is_freed(self):
        before = maps_of_model()
        more = [quern.Embedder(tiny_model()) for _ in range(3)]
        for model in more:
            model.encode("a")
        self.assertGreater(maps_of_model(), before)
        del more, model
        gc.collect()
        self.assertEqual(maps_of_model(), before)


class Processes(unittest.TestCase):
    def setUp(self):
        global SHARED
        self.model = SHARED = quern.Embedder(tiny_model(), dimensions=16)
        self.expected = data(self.model.encode(MANY))

    def test_fork(self):
        self.assertTrue(in_child(lambda: data(self.model.encode(MANY)) == self.expected))
        self.assertTrue(in_child(lambda: in_child(lambda: data(self.model.encode(MANY)) == self.expected)))
        self.assertEqual(data(self.model.encode(MANY)), self.expected)

    def test_a_child_frees_nothing_of_its_parent(self):
        def closes():
            freed = []
            _model.lib = types.SimpleNamespace(quern_context_free=freed.append, quern_model_close=freed.append)
            self.model.close()
            return freed == []
        self.assertTrue(in_child(closes))
        self.assertEqual(data(self.model.encode(MANY)), self.expected)

    def test_fork_of_a_closed_model(self):
        self.model.close()

        def is_closed():
            try:
                self.model.encode("a")
            except quern.InputError as error:
                return "closed" in str(error)
        self.assertTrue(in_child(is_closed))

    def test_fork_while_threads_embed_and_open(self):
        ends = threading.Event()

        def busy():
            while not ends.is_set():
                self.model.encode(MANY)

        def opens():
            while not ends.is_set():
                quern.Embedder(tiny_model()).close()
        threads = [threading.Thread(target=target) for target in (busy, busy, busy, opens)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(10):
                self.assertTrue(in_child(lambda: data(self.model.encode(MANY)) == self.expected))
        finally:
            ends.set()
            for thread in threads:
                thread.join()

    def test_worker_processes(self):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            self.assertEqual(pool.map(embed_shared, [MANY] * 4), [self.expected] * 4)
            self.assertEqual(pool.starmap(embed_given, [(self.model, MANY)] * 2), [self.expected] * 2)

    def test_pickle(self):
        again = pickle.loads(pickle.dumps(self.model))
        self.assertEqual(again.path, self.model.path)
        self.assertEqual(data(again.encode(MANY)), self.expected)
        cutting = pickle.loads(pickle.dumps(quern.Embedder(tiny_model(), 1, truncate=True)))
        cutting.encode("a b " * 5000)
        self.assertLess(len(pickle.dumps(self.model)), 1000)  # the path, not the model

    def test_ctrl_c(self):
        for call in ("model.encode(['a b c ' * 60] * 200000)",
                     "model.tokenize(['a b c ' * 60] * 2000000)",
                     "list(quern.TextEmbedding(sys.argv[1]).embed(itertools.repeat('a')))"):
            result = run_python("""
import itertools, os, signal, sys, threading
import quern
signal.signal(signal.SIGINT, signal.default_int_handler)
model = quern.Embedder(sys.argv[1])
expected = model.encode("a").tolist()
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    %s
except KeyboardInterrupt:
    print("stopped")
print(model.encode("a").tolist() == expected)
""" % call)
            self.assertEqual((result.stdout, result.stderr), ("stopped\nTrue\n", ""), call)

    def test_ctrl_c_while_waiting_for_a_context(self):
        result = run_python("""
import os, signal, sys, threading
import quern
from quern import _model
signal.signal(signal.SIGINT, signal.default_int_handler)
model = quern.Embedder(sys.argv[1])
leases = [_model._Lease(model._model._pool) for _ in range(_model.CONTEXTS)]
for lease in leases:
    lease.take()
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.encode("a")
except KeyboardInterrupt:
    print("stopped", len(model._model._pool.waiting))
for lease in leases:
    lease.give()
print(model.encode("a").shape, len(model._model._pool.free))
""")
        self.assertEqual((result.stdout, result.stderr), ("stopped 0\n(64,) 2\n", ""))

    def test_the_end_of_the_interpreter(self):
        for last in ("", "model.close()", "sys.exit(0)", "del model", "model.me = model"):
            result = run_python("""
import sys, threading, time
import quern
model = quern.Embedder(sys.argv[1])
other = quern.TextEmbedding(sys.argv[1])
vectors = other.embed(["a"] * 100)
next(vectors)
started = threading.Event()
def busy(model=quern.Embedder(sys.argv[1])):
    while True:
        model.encode(["a b c"] * 100)
        started.set()
threading.Thread(target=busy, daemon=True).start()
started.wait()
model.encode("a")
%s
""" % last)
            self.assertEqual((result.returncode, result.stderr), (0, ""), last)

    def test_subinterpreters(self):
        result = run_python("""
import sys
sys.modules["numpy"] = None
import quern
%s
model = quern.Embedder(sys.argv[1])
expected = model.encode("a").tolist()
program = '''
import sys
sys.modules["numpy"] = None
import quern
assert quern.Embedder(%%r).encode("a").tolist() == %%r
''' %% (sys.argv[1], expected)
for _ in range(2):
    interpreter = create()
    problem = run(interpreter, program)
    assert problem is None, problem
    module.destroy(interpreter)
print(model.encode("a").tolist() == expected)
""" % SUBINTERPRETERS)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "True\n", ""))


if __name__ == "__main__":
    unittest.main()
