"""Index: what it finds beside a plain comparison of all vectors, changes, refusals, threads and processes."""
import array
import gc
import json
import os
import pickle
import random
import subprocess
import sys
import threading
import time
import unittest
import uuid
import warnings
from unittest import mock

from trial import TEXTS, WORK, command, in_child, run_python, tiny_model
import quern
from quern import _arrays, index as index_module

numpy = _arrays.numpy
DIMENSIONS = 24
COUNT = 700


def unit_vectors(count, seed):
    """Vectors of length 1, as lists of numbers that float32 has."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        row = [chance.gauss(0, 1) for _ in range(DIMENSIONS)]
        length = sum(number * number for number in row) ** 0.5
        rows.append(array.array("f", [number / length for number in row]).tolist())
    return rows


VECTORS = unit_vectors(COUNT, 1)
QUERIES = unit_vectors(150, 2)


def expected(query, k, ids=range(COUNT)):
    scores = sorted((-sum(a * b for a, b in zip(query, VECTORS[i])), i) for i in ids)
    return [i for _, i in scores[:k]]


def maps_of(name):
    """How many files with this in their path are mapped."""
    with open("/proc/self/maps", encoding="utf-8") as file:
        return file.read().count(name)


def ids_of(hits):
    return [hit.id for hit in hits]


class Trial(unittest.TestCase):
    number = 0

    @classmethod
    def setUpClass(cls):
        cls.model = quern.Embedder(tiny_model())

    def path(self):
        Trial.number += 1
        return os.path.join(WORK, "%d.qidx" % Trial.number)

    def built(self, **options):
        return quern.Index.build(self.path(), VECTORS, **options)

    def refused(self, kind, words, index, function, *arguments, **options):
        with self.assertRaisesRegex(kind, words) as caught:
            function(*arguments, **options)
        self.assertIsInstance(caught.exception, quern.Error)
        self.assertEqual(caught.exception.index, index)


class Searching(Trial):
    def test_hits_are_those_of_comparing_all_vectors(self):
        with self.built() as index:
            self.assertEqual(len(index), COUNT)
            for hits, query in zip(index.search(QUERIES, k=7), QUERIES):
                self.assertEqual(ids_of(hits), expected(query, 7))
                self.assertTrue(hits.certified)
                self.assertTrue(7 <= hits.scored <= COUNT)
                self.assertAlmostEqual(hits[0].score, sum(a * b for a, b in zip(query, VECTORS[hits[0].id])), places=6)
            one = index.search(QUERIES[3], k=7)
            self.assertIsInstance(one, quern.Hits)
            self.assertEqual(one, index.search(QUERIES, k=7)[3])

    def test_other_numbers_of_hits(self):
        with self.built() as index:
            for k in (1, 2, 100, 101, COUNT, 5000):
                self.assertEqual(ids_of(index.search(QUERIES[0], k)), expected(QUERIES[0], k))

    def test_only_and_least(self):
        with self.built() as index:
            ids = list(range(0, COUNT, 9))
            self.assertEqual(ids_of(index.search(QUERIES[0], 5, only=iter(ids + [COUNT + 5]))),
                             expected(QUERIES[0], 5, ids))
            self.assertEqual(index.search(QUERIES[0], only=[]), [])
            scores = [hit.score for hit in index.search(QUERIES[0], 9)]
            self.assertEqual(len(index.search(QUERIES[0], 9, least=scores[4])), 5)
            self.assertEqual(index.search(QUERIES[0], least=2), [])

    def test_oversampling(self):
        with self.built(bits=True) as index:
            hits = index.search(QUERIES[0], 5, oversampling=COUNT // 5)
            self.assertEqual(ids_of(hits), expected(QUERIES[0], 5))
            self.assertFalse(hits.certified)
            self.assertTrue(index.search(QUERIES[0], 5).certified)
        with self.built() as index:
            self.refused(quern.InputError, "bits", None, index.search, QUERIES[0], oversampling=2)

    def test_texts(self):
        path = self.path()
        with quern.Index.build(path, TEXTS, embedder=self.model) as index:
            self.assertEqual((index.info.space, index.info.dimensions), (self.model.space("document"), 64))
            vectors = self.model.encode_query(["a dog", "two lines"])
            self.assertEqual(index.search(["a dog", "two lines"]), index.search(vectors))
            self.assertEqual(index.search("a dog"), index.search(vectors)[0])
            hit = index.search(self.model.encode_document(TEXTS[4]), 1)[0]
            self.assertEqual((hit.id, hit.text, hit.payload), (4, TEXTS[4], TEXTS[4].encode()))
            index.add(["another text"], [100])
            self.assertEqual(index.search(self.model.encode_document("another text"), 1)[0].id, 100)
        other = quern.Embedder(tiny_model(), dimensions=8)
        with quern.Index(path, other) as index:
            self.refused(quern.InputError, "8 dimensions, and the index 64", None, index.search, "a dog")
        with quern.Index(path) as index:
            self.refused(quern.InputError, "need an embedder", None, index.search, "a dog")
            self.refused(quern.InputError, "need an embedder", None, index.add, ["a dog"], [1])

    def test_kinds_of_texts(self):
        """Everything that gives texts; digits stay texts."""
        texts = ["7", "fox", "9"]
        for inputs in (texts, tuple(texts), iter(texts), (text for text in texts), dict.fromkeys(texts).keys()):
            with quern.Index.build(self.path(), inputs, embedder=self.model) as index:
                self.assertEqual([ids_of(hits) for hits in index.search(iter(texts))],
                                 [ids_of(index.search(text)) for text in texts])
                index.add(map(str, range(3)), range(3))
                self.assertEqual(sorted(hit.text for hit in index.search("fox")), ["0", "1", "2"])
        with quern.Index.build(self.path(), [], embedder=self.model) as index:  # is filled later
            self.assertEqual((len(index), index.info.dimensions), (0, self.model.get_sentence_embedding_dimension()))
            index.add(texts, [1, 2, 3])
            self.assertEqual(sorted(hit.text for hit in index.search("fox")), sorted(texts))
        self.refused(quern.InputTypeError, "not dict", None, quern.Index.build, self.path(), {"a": 1},
                     embedder=self.model)

    def test_spaces(self):
        space = self.model.space("document", truncate_dim=24)
        with self.built(space=space) as index:
            self.assertEqual(index.info.space, space)
            query = self.model.space("query", truncate_dim=24)
            self.assertEqual(ids_of(index.search(QUERIES[0], 3, space=query)), expected(QUERIES[0], 3))
            self.refused(quern.InputError, "space", None, index.search, QUERIES[0], space="24n-00-none")
            self.refused(quern.InputError, "NUL", None, index.search, QUERIES[0], space="a\0")
            with quern.Index(index.path, quern.Embedder(tiny_model(), dimensions=24)) as same:
                self.assertEqual(len(same.search("a dog")), 10)
        with self.built(space="24n-0123456789abcdef-document") as index:
            other = quern.Index(index.path, quern.Embedder(tiny_model(), dimensions=24))
            self.refused(quern.InputError, "space", None, other.search, "a dog")
            self.refused(quern.InputError, "different spaces", None, other.add, ["a dog"], [3])

    def test_files_of_the_command(self):
        folder = os.path.join(WORK, "notes")
        os.mkdir(folder)
        with open(os.path.join(folder, "a.md"), "w", encoding="utf-8") as file:
            file.write("# Title\n\na lazy dog\n")
        path = self.path()
        command("index", "-q", "-m", tiny_model(), folder, "-o", path)
        with quern.Index(path, self.model) as index:
            hit = index.search("a lazy dog")[0]
            self.assertIn("a.md#0", hit.id)
            self.assertIn("a lazy dog", hit.text)
            told = json.loads(command("search", "-q", "-m", tiny_model(), "--json", path, "a lazy dog"))
            self.assertAlmostEqual(told["hits"][0]["score"], hit.score, places=5)
        with self.built(payloads=["text %d" % i for i in range(COUNT)]) as index:
            command("index", "check", index.path)


class Memory(Trial):
    """What vectors may lie in."""

    def found(self, queries):
        with self.built() as index:
            return [ids_of(hits) for hits in index.search(queries, 3)]

    def setUp(self):
        self.rows = [expected(query, 3) for query in QUERIES[:5]]

    def test_lists_and_buffers(self):
        flat = array.array("f", sum(QUERIES[:5], []))
        view = memoryview(flat).cast("B").cast("f", (5, DIMENSIONS))
        for queries in (QUERIES[:5], tuple(QUERIES[:5]), iter(QUERIES[:5]), [array.array("f", q) for q in QUERIES[:5]],
                        view, view.toreadonly(), [memoryview(array.array("f", q)) for q in QUERIES[:5]]):
            self.assertEqual(self.found(queries), self.rows)
        with self.built() as index:
            self.assertEqual(ids_of(index.search(memoryview(flat)[:DIMENSIONS], 3)), self.rows[0])
            self.assertEqual(ids_of(index.search(array.array("d", QUERIES[0]), 3)), self.rows[0])
            self.assertEqual(ids_of(index.search(memoryview(array.array("f", sum(([x, 9.0] for x in QUERIES[0]), [])))
                                                 [::2], 3)), self.rows[0])
            for empty in ([], (), iter([]), array.array("f")):
                self.assertEqual(index.search(empty), [])

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_arrays(self):
        array32 = numpy.array(QUERIES[:5], dtype=numpy.float32)
        readonly = array32.copy()
        readonly.flags.writeable = False
        wide = numpy.zeros((5, 2 * DIMENSIONS), dtype=numpy.float32)
        wide[:, ::2] = array32
        for queries in (array32, readonly, array32.astype(numpy.float64), array32.astype(">f4"), wide[:, ::2],
                        numpy.asfortranarray(array32), list(array32), numpy.lib.stride_tricks.as_strided(array32)):
            self.assertEqual(self.found(queries), self.rows)
        self.assertEqual(self.found(array32[::-1]), self.rows[::-1])
        with self.built() as index:
            self.assertEqual(index.search(array32[:0]), [])

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_an_array_is_not_copied(self):
        from quern._index_rows import Matrix
        vectors = numpy.array(QUERIES, dtype=numpy.float32)
        self.assertEqual(Matrix(vectors).address(0), vectors.ctypes.data)
        self.assertEqual(Matrix(vectors[7:]).address(1), vectors[8:].ctypes.data)

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_a_column_of_vectors(self):
        """As tables have it: an array of objects."""
        column = numpy.empty(5, dtype=object)
        for at in range(5):
            column[at] = numpy.array(QUERIES[at], dtype=numpy.float32)
        self.assertEqual(self.found(column), self.rows)
        column[0] = QUERIES[0]
        self.assertEqual(self.found(column), self.rows)

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_arrays_of_a_wrong_kind(self):
        with self.built() as index:
            zeros = numpy.zeros((2, DIMENSIONS))
            for wrong in (zeros.astype("i1"), zeros.astype("i8"), zeros.astype("?"), zeros.astype("c8"),
                          zeros.astype("O"), zeros.astype("M8[s]")):
                self.refused(quern.InputTypeError, "must be floating-point", None, index.search, wrong)
            for wrong in (numpy.zeros((2, 2, DIMENSIONS)), numpy.zeros(())):
                self.refused(quern.InputError, "must have the shape", None, index.search, wrong)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.refused(quern.InputError, "not finite", 1, index.search, numpy.array([[0.5], [1e300]]) + zeros)

    def test_what_is_no_vector(self):
        with self.built() as index:
            for wrong in (3, None):
                self.refused(quern.InputTypeError, "must be texts or vectors, not", None, index.search, wrong)
            for wrong in ([["1"] * DIMENSIONS], [tuple(map(str, QUERIES[0]))]):  # NumPy would read numbers in them
                with self.assertRaises(quern.InputTypeError):
                    index.search(wrong)
            for wrong in (b"abc", bytearray(96), {"a": 1}, object(), memoryview(b"abc"), [["a"]], [None],
                          [[1.0], None], [{}], [[1.0] * DIMENSIONS, [1.0]], [[[1.0]]],
                          [1.0, [2.0]], [b"abc"], [bytes(96)]):
                with self.assertRaises(quern.InputError, msg=repr(wrong)):
                    index.search(wrong)
                with self.assertRaises(quern.InputError, msg=repr(wrong)):
                    index.add(wrong, [1])
            self.assertEqual(ids_of(index.search(QUERIES[0], 3)), self.rows[0])


class Changes(Trial):
    def test_numbers(self):
        with self.built() as index:
            last = (1 << 64) - 1
            index.add([QUERIES[0], QUERIES[1]], [last, 3], [b"\0\xff", "text"])
            hit = index.search(QUERIES[0], 1)[0]
            self.assertEqual((hit.id, hit.payload), (last, b"\0\xff"))
            self.assertEqual(index.search(QUERIES[1], 1)[0][::2], (3, b"text"))
            self.assertEqual((len(index), index.info.ids), (COUNT + 1, "numbers"))
            self.assertEqual(index.remove([3, last, 3, 123456]), 2)
            self.assertEqual(len(index), COUNT - 1)
            self.assertEqual(index.remove(iter([])), 0)
            index.compact()
            self.assertEqual((len(index), index.info.blocks), (COUNT - 1, 1))
            index.check()

    def test_compacting_where_open_files_are_not_replaced(self):
        """As on Windows: searches are finished before, or wait, and the file is closed meanwhile."""
        compact, seen, ends = index_module.lib.quern_index_compact, [], threading.Event()

        def compacting(path, error):
            seen.append(maps_of(index.path))
            return compact(path, error)

        def searching():
            while not ends.is_set():
                seen.append(index.search(VECTORS[:200], 1)[7][0].id)

        fake = mock.Mock(wraps=index_module.lib, quern_index_compact=compacting)
        with self.built() as index, mock.patch.object(index_module, "_KEEPS_OPEN_FILES", True), \
                mock.patch.object(index_module, "lib", fake):
            threads = [threading.Thread(target=searching) for _ in range(3)]
            for thread in threads:
                thread.start()
            for _ in range(5):
                index.compact()
            ends.set()
            for thread in threads:
                thread.join()
            for row in index.rows():  # which is not waited for
                index.remove([row.id])
                index.compact()
                break
        self.assertEqual(set(seen), {0, 7})  # maps of the file, and ids
        self.assertEqual(seen.count(0), 6)

    def test_names(self):
        names = ["name %d" % i for i in range(COUNT)]
        names[0], names[1], names[2] = "\u00e4\0b", "a\udcff", "x" * 4096
        with self.built(ids=names) as index:
            self.assertEqual(index.info.ids, "names")
            for i in range(4):
                self.assertEqual(index.search(VECTORS[i], 1)[0].id, names[i])
                self.assertEqual(ids_of(index.search(VECTORS[i], 5, only=[names[i]])), [names[i]])
            self.assertEqual(index.remove(names[:2]), 2)

    def test_rows(self):
        with self.built(payloads=["row %d" % i for i in range(COUNT)]) as index:
            rows = index.rows()
            index.remove(range(0, COUNT, 2))
            index.add(VECTORS[:2], [3, 9000], ["again", None])
            odd = [i for i in range(COUNT) if i % 2 == 1 and i != 3]
            self.assertEqual([row.id for row in index.rows()], odd + [3, 9000])
            self.assertEqual({row.id: row.text for row in index.rows([3, 9000, 9, 2, 8])},
                             {3: "again", 9000: "", 9: "row 9"})
            self.assertEqual(list(index.rows([])), [])
            self.assertEqual([i in index for i in (3, 9000, 4, 1 << 40)], [True, True, False, False])
            self.assertEqual([row.id for row in index.rows([COUNT - 1])], [COUNT - 1])
            self.refused(quern.InputTypeError, r"only\[0\]: the id must be", 0, index.rows, ["a"])
            self.refused(quern.InputTypeError, "only must be a list", None, index.rows, 3)
            self.assertEqual(len(list(rows)), len(index))  # a state is taken when the first row is read
            rows = index.rows()
            next(rows)
        self.refused(quern.InputError, "the index was closed", None, list, rows)
        self.refused(quern.InputError, "the index was closed", None, index.rows)
        with quern.Index.build(self.path(), VECTORS[:2], ids=["a", "b\udcff"]) as index:
            self.assertEqual([row.id for row in index.rows()], ["a", "b\udcff"])
            self.assertTrue("b\udcff" in index)

    def test_a_build_replaces_a_file(self):
        path = self.path()
        old = quern.Index.build(path, VECTORS)
        new = quern.Index.build(path, VECTORS[:5], dtype="f16")
        self.assertEqual((len(old), len(new), new.info.dtype), (COUNT, 5, "f16"))
        old.refresh()
        self.assertEqual(len(old), 5)

    def test_a_file_that_was_replaced_by_one_of_another_kind(self):
        with self.built() as index:
            quern.Index.build(index.path, [[1.0] * 1000]).close()
            self.refused(quern.InputError, "has vectors of 1000 dimensions", None, index.add, QUERIES[:1], [1])
            quern.Index.build(index.path, VECTORS[:2], ids=["a", "b"]).close()
            self.refused(quern.InputError, "with names as ids", None, index.remove, [1])
            index.refresh()
            self.assertEqual(index.remove(["a"]), 1)

    def test_another_sees_changes_when_it_refreshes(self):
        with self.built() as index, quern.Index(index.path) as other:
            index.remove([0])
            self.assertEqual((len(index), len(other)), (COUNT - 1, COUNT))
            other.refresh()
            self.assertEqual(len(other), COUNT - 1)

    def test_many_rows(self):
        """More than a call of the library has."""
        texts = ["number %d" % i for i in range(1500)]
        with quern.Index.build(self.path(), texts, embedder=self.model) as index:
            for i in (0, 1023, 1024, 1499):
                self.assertIn(i, ids_of(index.search(self.model.encode_document(texts[i]), 3)))
            self.assertEqual(index.remove(range(1100)), 1100)

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_ids_and_texts_of_numpy(self):
        ids = numpy.arange(COUNT, dtype=numpy.int16)
        with self.built(ids=ids) as index:
            self.assertEqual(ids_of(index.search(QUERIES[0], 3, only=ids[:50])), expected(QUERIES[0], 3, range(50)))
        texts = numpy.array(TEXTS[:3])
        with quern.Index.build(self.path(), texts, ids=texts, embedder=self.model) as index:
            self.assertEqual(sorted(ids_of(index.search(texts)[0])), sorted(TEXTS[:3]))


class Refusals(Trial):
    def test_nothing_is_left_of_a_build_that_failed(self):
        path = self.path()
        bad = VECTORS[:1200] + [[float("nan")] * DIMENSIONS]
        self.refused(quern.InputError, r"inputs\[%d\]: the vector has a number" % COUNT, COUNT, quern.Index.build,
                     path, bad)
        texts = ["fox"] * 1100 + ["a b " * 5000]
        self.refused(quern.InputError, r"inputs\[1100\]: the text has", 1100, quern.Index.build, path, texts,
                     embedder=self.model)
        self.assertEqual([name for name in os.listdir(WORK) if name.startswith(os.path.basename(path))], [])

    def test_a_change_that_fails_changes_nothing(self):
        with self.built() as index:
            bad = VECTORS + VECTORS + [[float("inf")] * DIMENSIONS]
            self.refused(quern.InputError, "not finite", 2 * COUNT, index.add, bad, range(1000, 1001 + 2 * COUNT))
            self.refused(quern.InputTypeError, r"ids\[1\]: .* whole number, as the index", 1, index.add, QUERIES[:2],
                         [7000, "a"])
            self.refused(quern.InputTypeError, r"ids\[0\]: .* \(or all ids str\), not UUID", 0, index.add, QUERIES[:1],
                         [uuid.uuid4()])
            self.refused(quern.InputError, r"ids\[1\]: the id must be 0 to", 1, index.add, QUERIES[:2], [7000, 1 << 64])
            self.refused(quern.InputError, r"ids\[0\]: the id must be 0 to", 0, index.remove, [-1])
            self.refused(quern.InputTypeError, r"ids\[1500\]: ", 1500, index.remove, [1] * 1500 + [2.5])
            self.refused(quern.InputTypeError, r"only\[1\]: ", 1, index.search, QUERIES[0], only=[1, "a"])
            self.refused(quern.InputTypeError, r"payloads\[1\]: a payload", 1, index.add, QUERIES[:2], [1, 2], ["", 3])
            self.refused(quern.InputError, r"payloads\[0\]: the text has a lone", 0, index.add, QUERIES[:1], [1],
                         ["\ud83d"])
            self.refused(quern.InputError, "2 inputs and 1 ids", None, index.add, QUERIES[:2], [1])
            self.refused(quern.InputError, "2 inputs and 3 payloads", None, index.add, QUERIES[:2], [1, 2], list("abc"))
            self.refused(quern.InputTypeError, "payloads must be a list, not str", None, index.add, QUERIES[:2], [1, 2],
                         "ab")
            self.refused(quern.InputTypeError, "ids must be a list, not int", None, index.remove, 3)
            self.refused(quern.InputTypeError, "ids must be a list, not str", None, index.remove, "12")
            self.refused(quern.InputTypeError, "only must be a list, not int", None, index.search, QUERIES[0], only=3)
            self.refused(quern.InputError, "3 dimensions, and the index 24", None, index.add, [[1.0, 2.0, 3.0]], [1])
            self.refused(quern.InputError, "not one vector", None, index.add, QUERIES[0], [1])
            self.refused(quern.InputTypeError, "not a str", None, index.add, "a text", [1])
            index.refresh()
            self.assertEqual(len(index), COUNT)
            self.assertEqual(ids_of(index.search(QUERIES[0], 5)), expected(QUERIES[0], 5))

    def test_names(self):
        with quern.Index.build(self.path(), VECTORS[:2], ids=["a", "b"]) as index:
            for wrong, words in (("", "1 to 4096 bytes"), ("x" * 4097, "1 to 4096 bytes"), ("\ud83d", "surrogate"),
                                 (3, "must be a str"), (b"a", "must be a str"), (None, "must be a str")):
                self.refused(quern.InputError, r"ids\[0\]: .*%s" % words, 0, index.add, QUERIES[:1], [wrong])
        self.refused(quern.InputTypeError, r"ids\[1\]", 1, quern.Index.build, self.path(), VECTORS[:2], ids=["a", 2])

    def test_options(self):
        with self.built() as index:
            for options, words in (({"k": 0}, "k must be 1 to"), ({"k": 65537}, "k must be 1 to"),
                                   ({"k": "3"}, "k must be a whole"), ({"oversampling": -1}, "oversampling must be"),
                                   ({"k": 300, "oversampling": 300}, "k times oversampling"),
                                   ({"least": "x"}, "least must be"), ({"least": float("nan")}, "least"),
                                   ({"space": 3}, "space must be")):
                self.refused(quern.InputError, words, None, index.search, QUERIES[0], **options)
            self.refused(quern.InputError, "not finite", 70, index.search, QUERIES[:70] + [[1e30] * DIMENSIONS])
        for options, words in (({"dtype": "int8"}, "dtype must be"), ({"space": "x" * 64}, "space"),
                               ({"threads": 0}, "threads must be"), ({"embedder": "starter"}, "embedder must be"),
                               ({"ids": [1]}, "inputs and 1 ids")):
            self.refused(quern.InputError, words, None, self.built, **options)
        self.refused(quern.InputError, "so that the dimensions", None, quern.Index.build, self.path(), [])

    def test_files(self):
        with self.assertRaises(quern.Error) as caught:
            quern.Index(os.path.join(WORK, "none.qidx"))
        self.assertEqual(caught.exception.code, quern.EIO)
        self.assertEqual(len(quern.Index.build(self.path().encode().decode(), VECTORS[:1])), 1)
        for wrong in (3, None, b"a.qidx"):
            self.refused(quern.InputTypeError, "path must be", None, quern.Index, wrong)
        self.refused(quern.InputError, "NUL", None, quern.Index, "a\0b")
        self.refused(quern.InputError, "surrogate", None, quern.Index, "a\ud800b")
        broken = self.path()
        with open(broken, "wb") as file:
            file.write(b"QUERNIDX" + bytes(100))
        with self.assertRaisesRegex(quern.Error, os.path.basename(broken)):
            quern.Index(broken)
        with self.built() as index:
            with open(index.path, "r+b") as file:
                file.seek(index.info.bytes // 2)
                file.write(b"damage!!")
            with self.assertRaisesRegex(quern.Error, "damaged") as caught:
                index.check()
            self.assertEqual(caught.exception.code, quern.EFORMAT)

    def test_closed(self):
        index = self.built()
        index.close()
        index.close()
        for call in (lambda: index.search(QUERIES[0]), lambda: index.add(QUERIES[:1], [1]), lambda: index.remove([1]),
                     index.compact, index.refresh, index.check, lambda: index.info, lambda: len(index)):
            self.refused(quern.InputError, "the index was closed", None, call)


class Sharing(Trial):
    def test_eight_threads(self):
        index, failures = self.built(), []

        def work(number):
            try:
                for i in range(number, len(QUERIES), 8):
                    if ids_of(index.search(QUERIES[i], 4, only=range(COUNT))) != expected(QUERIES[i], 4):
                        failures.append(i)
                    index.add([QUERIES[i]], [10000 + i])
                    index.remove([10000 + i])
            except BaseException as error:  # noqa: B902
                failures.append(error)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        self.assertEqual(failures, [])

    def test_closing_while_others_search(self):
        index, ends = self.built(), []

        def work():
            try:
                while True:
                    index.search(QUERIES, 4)
            except quern.InputError as error:
                ends.append(str(error))
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        index.close()
        for thread in threads:
            thread.join(60)
        self.assertEqual(ends, ["the index was closed"] * 4)

    def test_it_is_freed(self):
        gc.collect()
        before = maps_of(".qidx")
        index = self.built()
        index.search(QUERIES[0])
        index.refresh()
        self.assertEqual(maps_of(".qidx"), before + 1)
        del index
        gc.collect()
        self.assertEqual(maps_of(".qidx"), before)

    def test_fork(self):
        with self.built() as index:
            def finds():
                if ids_of(index.search(QUERIES[0], 4)) != expected(QUERIES[0], 4):
                    return False
                index.add([QUERIES[0]], [9999])
                return index.search(QUERIES[0], 1)[0].id == 9999
            index.search(QUERIES[0])
            self.assertTrue(in_child(finds))
            self.assertTrue(in_child(lambda: index.close() is None))
            self.assertEqual(ids_of(index.search(QUERIES[0], 4)), expected(QUERIES[0], 4))
            index.refresh()
            self.assertEqual(index.search(QUERIES[0], 1)[0].id, 9999)

    def test_pickle(self):
        with quern.Index.build(self.path(), TEXTS, embedder=self.model, threads=1) as index:
            again = pickle.loads(pickle.dumps(index))
            self.assertEqual(again.search("a dog"), index.search("a dog"))

    def test_two_writers(self):
        program = """
import sys, quern
index = quern.Index(sys.argv[2])
with index._writing(index._state()):
    print("kept", flush=True)
    sys.stdin.readline()
"""
        with self.built() as index:
            other = subprocess.Popen([sys.executable, "-c", program, "", index.path], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
            self.assertEqual(other.stdout.readline(), b"kept\n")
            with self.assertRaisesRegex(quern.Error, "another process is changing it"):
                index.remove([1])
            other.communicate(b"\n")
            self.assertEqual(index.remove([1]), 1)

    def test_a_writer_rests_between_changes(self):
        with self.built() as index, quern.Index(index.path) as other:
            index.remove([0])
            resting = index._resting
            index.add([VECTORS[0]], [0])
            self.assertIs(index._resting, resting)
            other.remove([1])
            index.remove([2])
            self.assertIsNot(index._resting, resting)  # the file has changed
            other.refresh()
            self.assertEqual((len(index), len(other)), (COUNT - 2, COUNT - 2))
            self.assertRaises(quern.Error, index.add, [VECTORS[0]], [None])
            self.assertIsNone(index._resting)
            index.add([VECTORS[1]], [1])
            self.assertEqual(len(index), COUNT - 1)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork()")
    def test_a_child_changes_after_its_parent(self):
        with self.built() as index:
            index.remove([0])
            child = os.fork()
            if child == 0:
                index.remove([1])
                index.close()
                os._exit(0)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            index.remove([2])
            self.assertEqual(len(index), COUNT - 3)

    def test_ctrl_c(self):
        with self.built() as index:
            result = run_python("""
import os, signal, sys, threading
import quern
signal.signal(signal.SIGINT, signal.default_int_handler)
index = quern.Index(sys.argv[2])
query = [0.1] * 24
class Interrupts:
    def __index__(self):
        os.kill(os.getpid(), signal.SIGINT)
        return 5000
def search():
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    while True:
        index.search([query] * 10000, 100)
for call in (search, lambda: index.add([query] * 3000, [*range(1000, 3999), Interrupts()]),
             lambda: index.remove([*range(1500), Interrupts()])):
    try:
        call()
    except KeyboardInterrupt:
        print("stopped")
    index.refresh()
    print(len(index), len(index.search(query)))
""", index.path)
            self.assertEqual((result.stdout, result.stderr), ("stopped\n700 10\n" * 3, ""))

    def test_the_end_of_the_interpreter(self):
        with self.built() as index:
            for last in ("", "index.close()", "sys.exit(0)", "del index", "index.me = index"):
                result = run_python("""
import sys, threading
import quern
index = quern.Index(sys.argv[2])
started = threading.Event()
def busy(index=quern.Index(sys.argv[2])):
    while True:
        index.search([[0.1] * 24] * 100)
        started.set()
threading.Thread(target=busy, daemon=True).start()
started.wait()
index.search([0.1] * 24)
%s
""" % last, index.path)
                self.assertEqual((result.returncode, result.stderr), (0, ""), last)


if __name__ == "__main__":
    unittest.main()
