"""Vectors, tokens and what else an Embedder gives, beside the command and NumPy."""
import doctest
import importlib
import io
import json
import pickle
import subprocess
import sys
import types
import unittest
import warnings
from contextlib import redirect_stderr

from trial import BUILD, TEXTS, WORK, command, command_vectors, tiny_model
import quern
from quern import _arrays
from quern.embedder import calls_of

numpy = _arrays.numpy


def data(vectors):
    return bytes(vectors) if isinstance(vectors, memoryview) else vectors.tobytes()


class Trial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = quern.Embedder(tiny_model())
        cls.dimensions = cls.model.get_sentence_embedding_dimension()


class Vectors(Trial):
    def test_same_bits_as_the_command(self):
        vectors = self.model.encode(TEXTS[:6])
        self.assertEqual(vectors.shape, (6, self.dimensions))
        self.assertEqual(data(vectors), command_vectors(TEXTS[:6], "-t", "none"))

    def test_tasks(self):
        self.assertEqual(data(self.model.encode_query(TEXTS[:3])), command_vectors(TEXTS[:3], "-t", "query"))
        self.assertEqual(data(self.model.encode_document(TEXTS[:3])), command_vectors(TEXTS[:3], "-t", "document"))
        for name in ("passage", "document", "RETRIEVAL_DOCUMENT"):
            self.assertEqual(data(self.model.encode(TEXTS[:3], prompt_name=name)),
                             command_vectors(TEXTS[:3], "-t", "document"))
        self.assertNotEqual(data(self.model.encode_query("fox")), data(self.model.encode("fox")))

    def test_prompt(self):
        prompt = self.model.prompts["query"]
        self.assertTrue(prompt)
        self.assertEqual(data(self.model.encode(TEXTS[:3], prompt=prompt)), data(self.model.encode_query(TEXTS[:3])))
        self.assertEqual(data(self.model.encode("fox", prompt="", prompt_name="query")),
                         data(self.model.encode("fox")))

    def test_a_prompt_of_ones_own(self):
        own = "Instruct: find \u00e4pfel\nQuery: "
        expected = command_vectors(TEXTS[:3], "--prompt", own)
        self.assertEqual(data(self.model.encode(TEXTS[:3], prompt=own)), expected)
        with quern.Embedder(tiny_model(), prompts={"search_query": own, "clustering": ""}) as model:
            self.assertEqual(data(model.encode_query(TEXTS[:3])), expected)
            self.assertEqual(model.tokenize("fox", "query"), self.model.tokenize("fox", prompt=own))
            self.assertEqual(model.tokenize("fox", "clustering"), self.model.tokenize("fox"))
            self.assertEqual(data(model.encode_document("fox")), data(self.model.encode_document("fox")))
            self.assertEqual((model.prompts["query"], model.prompts["document"]),
                             (own, self.model.prompts["document"]))
            again = pickle.loads(pickle.dumps(model))
            self.assertEqual(data(again.encode_query(TEXTS[:3])), expected)
            self.assertEqual(again.space("query"), model.space("query"))
            self.assertRegex(model.space("query"), "-query[.][0-9a-f]{8}$")
            self.assertEqual(self.model.space("none", prompt=own).split(".")[1], model.space("query").split(".")[1])

    def test_a_single_text(self):
        vector = self.model.encode("a lazy dog")
        self.assertEqual(vector.shape, (self.dimensions,))
        self.assertEqual(data(vector), data(self.model.encode(["a lazy dog"])))

    def test_kinds_of_lists(self):
        expected = data(self.model.encode(TEXTS))
        for texts in (tuple(TEXTS), iter(TEXTS), dict.fromkeys(TEXTS).keys()):
            self.assertEqual(data(self.model.encode(texts)), expected)
        self.assertEqual(data(self.model.encode(sentences=TEXTS)), expected)
        if numpy is not None:
            self.assertEqual(data(self.model.encode(numpy.array(TEXTS[:3]))), expected[:12 * self.dimensions])

    def test_no_texts(self):
        vectors = self.model.encode([])
        self.assertEqual(len(vectors), 0)
        if numpy is not None:
            self.assertEqual(vectors.shape, (0, self.dimensions))
        self.assertEqual(len(self.model.encode([], precision="int8")), 0)

    def test_many_calls(self):
        texts = ["number %d" % number for number in range(200)] + ["long " * 1200] + ["x"]
        model = quern.Embedder(tiny_model(), truncate=True)
        vectors = data(model.encode(texts))
        size = 4 * self.dimensions
        for index in (0, 63, 64, 199, 200, 201):
            self.assertEqual(vectors[index * size:][:size], data(model.encode(texts[index])), index)

    def test_calls_are_bounded(self):
        """Also in bytes, so that Ctrl-C does not wait for 64 long texts."""
        texts = ["x" * 20000, "y" * 10000, "z" * 10000, "long " * 10000] + ["s"] * 100
        calls = list(calls_of(texts))
        self.assertEqual([first for first, _ in calls], [0, 2, 3, 4, 68])
        self.assertEqual([text.decode() for _, call in calls for text in call], texts)

    def test_dimensions(self):
        expected = command_vectors(TEXTS[:3], "-t", "none", "-d", "8")
        self.assertEqual(data(self.model.encode(TEXTS[:3], truncate_dim=8)), expected)
        model = quern.Embedder(tiny_model(), dimensions=8)
        self.assertEqual(model.get_sentence_embedding_dimension(), 8)
        self.assertEqual(data(model.encode(TEXTS[:3])), expected)
        self.assertEqual(model.encode("x", truncate_dim=16).shape, (16,))

    def test_lengths(self):
        def length(vector):
            return sum(value * value for value in vector.tolist()) ** 0.5
        self.assertAlmostEqual(length(self.model.encode("fox")), 1, places=5)
        self.assertNotAlmostEqual(length(self.model.encode("fox", normalize_embeddings=False)), 1, places=2)

    def test_kinds_of_results(self):
        vectors = self.model.encode(TEXTS, convert_to_numpy=False)
        self.assertIsInstance(vectors, memoryview)
        self.assertEqual((vectors.shape, vectors.format), ((len(TEXTS), self.dimensions), "f"))
        self.assertEqual(bytes(vectors), data(self.model.encode(TEXTS)))
        self.assertEqual(vectors.tolist(), self.model.encode(TEXTS).tolist())
        if numpy is not None:
            array = self.model.encode(TEXTS)
            self.assertEqual(array.dtype, numpy.float32)
            array[0, 0] = 1  # it may be written to

    def test_tensors(self):
        sys.modules["torch"] = types.SimpleNamespace(from_numpy=lambda array: ("tensor", data(array)))
        try:
            self.assertEqual(self.model.encode(TEXTS, convert_to_tensor=True),
                             ("tensor", data(self.model.encode(TEXTS))))
        finally:
            del sys.modules["torch"]

    @unittest.skipIf(numpy is None, "needs NumPy")
    def test_precisions(self):
        vectors = self.model.encode(TEXTS)
        rounded = numpy.clip(numpy.rint(vectors * numpy.float32(127)), -127, 127)
        bits = numpy.packbits(vectors > 0, axis=-1)
        expected = {"float32": vectors, "int8": rounded.astype(numpy.int8),
                    "uint8": (rounded + 128).astype(numpy.uint8), "ubinary": bits,
                    "binary": (bits - 128).astype(numpy.int8)}
        for precision, array in expected.items():
            found = self.model.encode(TEXTS, precision=precision)
            self.assertEqual(found.dtype, array.dtype, precision)
            numpy.testing.assert_array_equal(found, array, precision)
            self.assertEqual(self.model.encode("fox", precision=precision).ndim, 1)

    def test_bytes_without_numpy(self):
        vectors = self.model.encode(TEXTS, convert_to_numpy=False)
        bits = self.model.encode(TEXTS, precision="ubinary", convert_to_numpy=False)
        self.assertEqual((bits.format, bits.shape), ("B", (len(TEXTS), self.dimensions // 8)))
        self.assertEqual(bits.tolist()[1][0], sum(128 >> i for i in range(8) if vectors.tolist()[1][i] > 0))
        small = self.model.encode(TEXTS, precision="int8", convert_to_numpy=False).tolist()
        large = self.model.encode(TEXTS, precision="uint8", convert_to_numpy=False).tolist()
        self.assertEqual([[value + 128 for value in row] for row in small], large)

    def test_progress(self):
        written = io.StringIO()
        with redirect_stderr(written):
            self.model.encode(["x"] * 100)
            self.assertEqual(written.getvalue(), "")
            self.model.encode(["x"] * 100, show_progress_bar=True)
        self.assertEqual(written.getvalue(), "\r64 of 100 texts\r100 of 100 texts\n")

    def test_similarity(self):
        a, b = self.model.encode(TEXTS[:3]), self.model.encode(TEXTS[3:5])
        matrix = self.model.similarity(a, b)
        self.assertEqual(matrix.shape, (3, 2))
        for i, left in enumerate(a.tolist()):
            for j, right in enumerate(b.tolist()):
                self.assertAlmostEqual(matrix.tolist()[i][j], sum(x * y for x, y in zip(left, right)), places=5)
        self.assertEqual(self.model.similarity(a, self.model.encode("x")).shape, (3, 1))
        pairs = self.model.similarity_pairwise(a, self.model.encode(TEXTS[1:4]))
        self.assertEqual(pairs.shape, (3,))
        longer = [[3 * value for value in row] for row in a.tolist()]
        for value in self.model.similarity_pairwise(a, longer).tolist():
            self.assertAlmostEqual(value, 1, places=5)


class Rest(Trial):
    def test_tokens(self):
        texts = [TEXTS[0], TEXTS[4], "xyzzy" * 100]  # the last has a token for each byte
        printed = command("tokenize", "--quiet", "-m", tiny_model(), *texts).splitlines()
        self.assertEqual(self.model.tokenize(texts), [json.loads(line) for line in printed])
        self.assertEqual(self.model.tokenize(TEXTS[0], prompt_name="query"),
                         self.model.tokenize(self.model.prompts["query"] + TEXTS[0]))
        self.assertEqual(self.model.tokenize(TEXTS), [self.model.tokenize(text) for text in TEXTS])
        self.assertGreater(len(self.model.tokenize("a b " * 5000)), self.model.max_seq_length)

    def test_space(self):
        printed = json.loads(command("embed", "--quiet", "-f", "json", "-m", tiny_model(), "-t", "query", "-d", "8",
                                     "x"))
        self.assertEqual(self.model.space("query", truncate_dim=8), printed["space"])
        self.assertTrue(self.model.space(normalize_embeddings=False).startswith("%du-" % self.dimensions))

    def test_prompts(self):
        self.assertEqual(self.model.prompts["none"], "")
        self.assertIn("query", self.model.prompts["query"])
        self.assertIn("question-answering", self.model.prompts)

    def test_fastembed(self):
        model = quern.TextEmbedding(tiny_model())
        asked = []

        def texts():
            for number in range(100):
                asked.append(number)
                yield "text %d" % number

        vectors = model.embed(texts(), batch_size=256, parallel=None)
        first = next(vectors)
        self.assertEqual(first.shape, (self.dimensions,))
        self.assertLess(len(asked), 100)  # texts are read as they are needed
        rest = list(vectors)
        self.assertEqual(len(rest), 99)
        expected = data(self.model.encode(["text %d" % number for number in range(100)]))
        self.assertEqual(data(first) + b"".join(map(data, rest)), expected)
        self.assertEqual(data(next(model.query_embed("fox"))), data(self.model.encode_query("fox")))
        self.assertEqual(data(next(model.passage_embed(["fox"]))), data(self.model.encode_document("fox")))
        self.assertEqual(data(next(model.passage_embed("fox", batch_size=8, parallel=2))),
                         data(self.model.encode_document("fox")))
        self.assertEqual(model.embedding_size, self.dimensions)
        self.assertIn("google/embeddinggemma-300m", [one["model"] for one in model.list_supported_models()])
        with model:
            rest = model.embed(["fox"] * 100)
            next(rest)
        self.assertRaisesRegex(quern.InputError, "closed", list, rest)

    def test_notice(self):
        path = WORK + "/headless.gguf"
        subprocess.run([BUILD + "/tools/mkmodel", "tiny", path], check=True)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            quern.Embedder(path)
        self.assertIn("dense", str(seen[0].message))
        self.assertEqual(seen[0].filename, __file__)

    def test_doctests(self):
        for name in ("quern", "quern._errors", "quern.embedder", "quern.index", "quern.text_embedding"):
            result = doctest.testmod(importlib.import_module(name))
            self.assertGreater(result.attempted, 0, name)
            self.assertEqual(result.failed, 0, name)


if __name__ == "__main__":
    unittest.main()
