"""What is wrong gets an exception that says where, and no crash."""
import collections
import os
import pickle
import unittest

from trial import TEXTS, WORK, tiny_model
import quern
from quern import _arrays


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = quern.Embedder(tiny_model())

    def refused(self, kind, code, index, words, function, *arguments, **options):
        with self.assertRaisesRegex(kind, words) as caught:
            function(*arguments, **options)
        self.assertIsInstance(caught.exception, quern.Error)
        self.assertEqual((caught.exception.code, caught.exception.index), (code, index))
        return caught.exception

    def test_too_long(self):
        texts = ["fox"] * 150
        texts[100] = "a b " * 5000
        error = self.refused(quern.InputError, quern.ETOOLONG, 100, r"inputs\[100\]: the text has", self.model.encode,
                             texts)
        self.assertIsInstance(error, ValueError)
        self.refused(quern.InputError, quern.ETOOLONG, 0, "the text has", self.model.encode, texts[100])
        self.refused(quern.InputError, quern.ETOOLONG, 100, "the text has", list,
                     quern.TextEmbedding(tiny_model()).embed(iter(texts)))
        cut = quern.Embedder(tiny_model(), truncate=True).encode(texts)
        self.assertEqual(len(cut), 150)

    def test_surrogates(self):
        texts = ["fox"] * 70 + ["a \ud83d b"]
        self.refused(quern.InputError, quern.EINVAL, 70, "surrogate at character 2", self.model.encode, texts)
        self.refused(quern.InputError, quern.EINVAL, 70, "surrogate", self.model.tokenize, texts)
        self.refused(quern.InputError, quern.EINVAL, None, "surrogate", self.model.encode, "a", prompt="\ud83d")
        self.refused(quern.InputError, quern.EINVAL, None, "no task", self.model.encode, "a", prompt_name="\ud83d")

    def test_a_str_of_another_class(self):
        class Odd(str):
            def encode(self, *arguments):
                return 3
        self.assertEqual(self.model.encode(Odd("fox")).tolist(), self.model.encode("fox").tolist())

    def test_a_nul_is_a_character(self):
        self.assertNotEqual(self.model.tokenize("a\0b"), self.model.tokenize("a"))
        self.assertNotEqual(self.model.encode("a\0b").tolist(), self.model.encode("a").tolist())

    def test_types(self):
        for wrong in (None, 3, 2.5, b"fox", ["fox"], object()):
            self.refused(quern.InputTypeError, quern.EINVAL, 2, "must be a str", self.model.encode, ["a", "b", wrong])
            self.refused(quern.InputTypeError, quern.EINVAL, 2, "must be a str", self.model.tokenize,
                         ["a", "b", wrong])
        error = self.refused(quern.InputTypeError, quern.EINVAL, 66, "must be a str", list,
                             quern.TextEmbedding(tiny_model()).embed(["a"] * 66 + [7]))
        self.assertIsInstance(error, TypeError)
        for wrong in (None, 3, b"fox", {"text": "fox"}, memoryview(b"fox")):
            self.refused(quern.InputTypeError, quern.EINVAL, None, "must be a str or a list", self.model.encode, wrong)
        self.refused(quern.InputTypeError, quern.EINVAL, None, "prompt_name", self.model.encode, "a", prompt_name=3)

    def test_shapes(self):
        """A table gives the names of its columns when it is iterated, and an array of no dimensions nothing."""
        class Table(list):
            ndim = 2
        wrong = [collections.UserDict(a=1), Table(["name"])]
        if _arrays.numpy is not None:
            wrong += [_arrays.numpy.array("fox"), _arrays.numpy.array([["fox"]])]
        text_embedding = quern.TextEmbedding(tiny_model())
        for inputs in wrong + [None, 3, b"fox"]:
            for call in (self.model.encode, self.model.tokenize, text_embedding.embed, text_embedding.query_embed):
                self.refused(quern.InputTypeError, quern.EINVAL, None, "must be a str or a list of str, not", call,
                             inputs)

    def test_a_wrong_text_costs_no_time(self):
        """It is found before the first of many texts is embedded."""
        calls = []
        model = quern.Embedder(tiny_model())
        model.embed_call = lambda *arguments: calls.append(arguments)
        self.refused(quern.InputTypeError, quern.EINVAL, 1000, "must be a str", model.encode, ["a"] * 1000 + [None])
        self.assertEqual(calls, [])

    def test_huge_lists(self):
        self.assertEqual(len(self.model.encode([""] * 20000, truncate_dim=8)), 20000)

        class Endless(list):
            def __len__(self):
                return 1 << 60
        with self.assertRaises((MemoryError, OverflowError)):
            self.model.encode(Endless(["a"]))
        self.model.encode("a")

    def test_options(self):
        for options, words in (
                ({"prompt_name": "qeury"}, "no task 'qeury'; did you mean 'query'"),
                ({"prompt_name": "query\0"}, "no task"),
                ({"truncate_dim": 0}, "truncate_dim must be 1 to"),
                ({"prompt": "x" * 4097}, "prompt must have data and at most 4096"),
                ({"truncate_dim": 1 << 32}, "truncate_dim must be 1 to"),
                ({"truncate_dim": 12, "precision": "binary"}, "multiple of 8"),
                ({"precision": "float64"}, "precision must be one of"),
                ({"precision": ["int8"]}, "precision must be one of"),
                ({"device": "cuda"}, "device must be 'cpu'"),
                ({"output_value": "token_embeddings"}, "output_value")):
            self.refused(quern.InputError, quern.EINVAL, None, words, self.model.encode, "a", **options)
        self.refused(quern.InputTypeError, quern.EINVAL, None, "truncate_dim", self.model.encode, "a", truncate_dim=2.5)
        self.refused(quern.InputTypeError, quern.EINVAL, None, "prompt must be a str", self.model.encode, "a", prompt=3)
        with self.assertRaises(TypeError):
            self.model.encode("a", normalise=True)
        for prompts, words in ((["query"], "prompts must be a dict"), ({"qeury": ""}, "no task 'qeury'"),
                               ({"query": 3}, r"prompts\['query'\] must be"), ({3: ""}, "prompt_name must be"),
                               ({"query": "\ud83d"}, "surrogate")):
            self.refused(quern.InputError, quern.EINVAL, None, words, quern.Embedder, tiny_model(), prompts=prompts)

    def test_opening(self):
        for threads in (0, -1, 257, 1 << 40):
            self.refused(quern.InputError, quern.EINVAL, None, "threads must be 1 to 256", quern.Embedder,
                         tiny_model(), threads)
        self.refused(quern.InputTypeError, quern.EINVAL, None, "threads", quern.Embedder, tiny_model(), "2")
        self.refused(quern.InputTypeError, quern.EINVAL, None, "truncate must be True or False, not 'start'",
                     quern.Embedder, tiny_model(), truncate="start")
        self.refused(quern.InputError, quern.EINVAL, None, "dimensions must be 1 to", quern.Embedder, tiny_model(),
                     dimensions=100000)
        self.refused(quern.InputTypeError, quern.EINVAL, None, "model must be", quern.Embedder, 3)
        self.refused(quern.InputError, quern.EINVAL, None, "NUL", quern.Embedder, tiny_model() + "\0.gguf")
        self.refused(quern.Error, quern.EIO, None, "there is no file or model", quern.Embedder, "none.gguf")
        self.refused(quern.Error, quern.EIO, None, "none", quern.Embedder, os.path.join(WORK, "none.gguf"))
        broken = os.path.join(WORK, "broken.gguf")
        with open(broken, "wb") as file:
            file.write(b"GGUF" + bytes(100))
        with self.assertRaises(quern.Error) as caught:
            quern.Embedder(broken)
        self.assertIn(broken, str(caught.exception))

    def test_closed(self):
        with quern.Embedder(tiny_model()) as model:
            model.encode("a")
        model.close()
        for call in (lambda: model.encode("a"), lambda: model.tokenize("a"), model.space, lambda: model.prompts):
            self.refused(quern.InputError, quern.EINVAL, None, "the model was closed", call)

    def test_exceptions_can_be_pickled(self):
        error = self.refused(quern.InputError, quern.ETOOLONG, 1, "the text has", self.model.encode,
                             ["a", "a b " * 5000])
        again = pickle.loads(pickle.dumps(error))
        self.assertEqual((type(again), str(again), again.code, again.index),
                         (type(error), str(error), error.code, error.index))

    def test_vectors(self):
        a = self.model.encode(TEXTS[:2])
        short, many = self.model.encode(TEXTS[:2], truncate_dim=8), self.model.encode(TEXTS[:3])
        for function in (self.model.similarity, self.model.similarity_pairwise):
            self.refused(quern.InputError, quern.EINVAL, None, "same number of dimensions", function, a, short)
        for wrong in (many, self.model.encode("fox")):
            self.refused(quern.InputError, quern.EINVAL, None, "same number of rows", self.model.similarity_pairwise,
                         wrong, a)
        self.assertEqual(self.model.similarity([[0.0, 0.0]], [[1.0, 0.0]]).tolist(), [[0.0]])


if __name__ == "__main__":
    unittest.main()
