"""The classes for frameworks, beside stand-ins of these (stubs.py). Dask is the real one, where it is installed."""
import asyncio
import pickle
import sys
import unittest

from trial import tiny_model
import stubs
import quern
import quern.chroma
import quern.haystack
import quern.langchain
import quern.llama_index
import quern.ray
import quern.spark

try:
    import dask.bag
except ImportError:
    dask = None

TEXTS = ["the quick brown fox", "jumps over", "a lazy dog"]


class Frameworks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model = quern.Embedder(tiny_model(), dimensions=16)
        cls.documents = model.encode_document(TEXTS).tolist()
        cls.query = model.encode_query("fox").tolist()
        cls.plain = model.encode(TEXTS).tolist()

    def test_langchain(self):
        embeddings = quern.langchain.QuernEmbeddings(tiny_model(), dimensions=16)
        self.assertIsInstance(embeddings, stubs.Embeddings)
        self.assertEqual(embeddings.embed_documents(TEXTS), self.documents)
        self.assertEqual(embeddings.embed_documents([]), [])
        self.assertEqual(embeddings.embed_query("fox"), self.query)
        self.assertEqual(asyncio.run(embeddings.aembed_query("fox")), self.query)
        self.assertEqual(asyncio.run(embeddings.aembed_documents(TEXTS)), self.documents)
        self.assertIs(type(embeddings.embed_query("fox")[0]), float)

    def test_llama_index(self):
        embedding = quern.llama_index.QuernEmbedding(tiny_model(), dimensions=16, embed_batch_size=2)
        self.assertIsInstance(embedding, stubs.BaseEmbedding)
        self.assertEqual(embedding.model_name, tiny_model())
        self.assertEqual(embedding.get_text_embedding_batch(TEXTS), self.documents)
        self.assertEqual(embedding._get_text_embedding(TEXTS[0]), self.documents[0])
        self.assertEqual(embedding.get_query_embedding("fox"), self.query)
        self.assertEqual(asyncio.run(embedding._aget_query_embedding("fox")), self.query)
        self.assertEqual(asyncio.run(embedding._aget_text_embedding(TEXTS[1])), self.documents[1])
        self.assertEqual(asyncio.run(embedding._aget_text_embeddings(TEXTS)), self.documents)
        self.assertEqual(embedding.class_name(), "QuernEmbedding")
        again = type(embedding).from_dict(embedding.to_dict())  # what LlamaIndex stores
        self.assertEqual((again.model_name, again.embed_batch_size), (tiny_model(), 2))
        self.assertEqual(again.get_query_embedding("fox"), self.query)
        whole = quern.llama_index.QuernEmbedding(tiny_model())  # LlamaIndex keeps vectors by what tells objects apart
        self.assertNotEqual({**whole.to_dict(), "embed_batch_size": 2}, embedding.to_dict())

    def test_haystack(self):
        embedder = quern.haystack.QuernTextEmbedder(tiny_model(), dimensions=16)
        self.assertIsNone(embedder.embedder)  # a pipeline is made without its models
        embedder.warm_up()
        self.assertEqual(embedder.run("fox"), {"embedding": self.query})
        again = type(embedder).from_dict(embedder.to_dict())
        self.assertEqual(again.run(text="fox"), {"embedding": self.query})
        documents = [stubs.Document(text) for text in TEXTS]
        result = quern.haystack.QuernDocumentEmbedder(tiny_model(), dimensions=16).run(documents=documents)
        self.assertEqual([document.embedding for document in result["documents"]], self.documents)
        self.assertEqual([document.content for document in result["documents"]], TEXTS)
        self.assertEqual([document.embedding for document in documents], [None] * len(TEXTS))
        self.assertEqual(list(quern.haystack.QuernTextEmbedder.run.outputs), ["embedding"])
        self.assertEqual(list(quern.haystack.QuernDocumentEmbedder.run.outputs), ["documents"])

    @unittest.skipIf(quern._arrays.numpy is None, "Chroma needs NumPy")
    def test_chroma(self):
        function = quern.chroma.QuernEmbeddingFunction(tiny_model(), dimensions=16)
        self.assertEqual([vector.tolist() for vector in function(TEXTS)], self.documents)
        self.assertEqual([vector.tolist() for vector in function.embed_query(["fox"])], [self.query])
        again = quern.chroma.QuernEmbeddingFunction.build_from_config(function.get_config())
        self.assertEqual(again(TEXTS)[2].tolist(), self.documents[2])
        self.assertIs(again.embedder, function.embedder)  # the model is opened once
        self.assertIs(stubs.REGISTERED["quern"], quern.chroma.QuernEmbeddingFunction)
        self.assertIn(function.default_space(), function.supported_spaces())
        function.validate_config_update(function.get_config(), {**function.get_config(), "threads": 3})
        with self.assertRaisesRegex(ValueError, "dimensions of a collection cannot change"):
            function.validate_config_update(function.get_config(), {**function.get_config(), "dimensions": 8})

    @unittest.skipIf(quern._arrays.numpy is None, "Ray needs NumPy")
    def test_ray(self):
        embed = quern.ray.Embed("body", "vector", model=tiny_model(), dimensions=16)
        batch = embed({"id": [1, 2, 3], "body": quern._arrays.numpy.array(TEXTS, dtype=object)})
        self.assertEqual(batch["id"], [1, 2, 3])
        self.assertEqual(batch["vector"].tolist(), self.documents)

    def test_spark(self):
        udf = quern.spark.embed_udf(tiny_model(), dimensions=16)
        self.assertEqual(udf.return_type, "array<float>")
        batches = list(udf(iter([stubs.Series(TEXTS[:2]), stubs.Series([None, TEXTS[2], float("nan")]),
                                 stubs.Series([None])])))
        found = [row for batch in batches for row in batch.tolist()]
        self.assertEqual(found, self.documents[:2] + [None, self.documents[2], None, None])

    @unittest.skipIf(dask is None or quern._arrays.numpy is None, "Dask or NumPy is not installed")
    def test_dask(self):
        import quern.dask
        bag = dask.bag.from_sequence(TEXTS, npartitions=2)
        vectors = quern.dask.embed(bag, tiny_model(), dimensions=16)
        pickle.dumps(vectors)  # it goes to other machines without a model
        for scheduler in ("synchronous", "threads", "processes"):
            found = [vector.tolist() for vector in vectors.compute(scheduler=scheduler)]
            self.assertEqual(found, self.documents, scheduler)
        plain = quern.dask.embed(bag, tiny_model(), prompt_name=None, dimensions=16).compute(scheduler="synchronous")
        self.assertEqual([vector.tolist() for vector in plain], self.plain)

    def test_nothing_is_imported_that_is_not_used(self):
        from trial import run_python
        names = "langchain_core llama_index haystack chromadb pandas pyspark dask ray torch"
        result = run_python("import sys, quern; print([name for name in %r.split() if name in sys.modules])" % names)
        self.assertEqual(result.stdout, "[]\n")


if __name__ == "__main__":
    unittest.main()
