"""Vectors from embed() and embed_rows() in the tables of sqlite-vec. The hits must be those that NumPy finds among the
vectors of the command. usage: with_vec.py VEC0.SO"""
import os
import sys
import unittest

import numpy

from loading import connect, one
from trial import command_vectors, tiny_model

VEC = os.path.splitext(sys.argv.pop())[0]
WORDS = ["red", "green", "old", "small", "fast", "apple", "fox", "house", "river", "song"]
TEXTS = ["%s %s %d" % (WORDS[i % 10], WORDS[i // 10 % 10], i) for i in range(300)]
QUESTION = "an old fox"
DIMENSIONS = 64
ROWS = "'SELECT id, body FROM notes'"


def matrix(texts, task, dimensions=DIMENSIONS):
    vectors = command_vectors(texts, "-t", task, "-d", str(dimensions))
    return numpy.frombuffer(vectors, dtype="<f4").reshape(len(texts), dimensions)


class Vec(unittest.TestCase):
    def setUp(self):
        os.environ["QUERN_MODEL"] = tiny_model()
        self.db = connect()
        self.addCleanup(self.db.close)
        self.db.enable_load_extension(True)
        self.db.load_extension(VEC)
        self.db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, vector BLOB)")
        self.db.executemany("INSERT INTO notes (id, body) VALUES (?, ?)", enumerate(TEXTS))

    def hits(self, table, query, k=10):
        return self.db.execute("SELECT rowid, distance FROM %s WHERE vector MATCH %s AND k = %d ORDER BY distance" %
                               (table, query, k)).fetchall()

    def compare(self, hits, distances):
        """The hits must be the nearest, with their distances, which decide where several are as near."""
        self.assertEqual(len(hits), 10)
        numpy.testing.assert_allclose([distance for _, distance in hits], numpy.sort(distances)[:10], rtol=1e-5)
        numpy.testing.assert_allclose([distance for _, distance in hits], distances[[row for row, _ in hits]], rtol=1e-5)

    def test_float(self):
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(vector float[64])")
        self.db.execute("INSERT INTO v (rowid, vector) SELECT id, embedding FROM embed_rows(%s, "
                        "'{\"task\": \"document\"}')" % ROWS)
        distances = numpy.linalg.norm(matrix(TEXTS, "document") - matrix([QUESTION], "query"), axis=1)
        self.compare(self.hits("v", "embed('%s', 'query')" % QUESTION), distances)
        self.assertEqual(one(self.db, "SELECT vec_type(embed('x')) || vec_length(embed('x'))"), "float3264")

    def test_fewer_dimensions(self):
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(vector float[16] distance_metric=cosine)")
        self.db.execute("INSERT INTO v (rowid, vector) SELECT id, embedding FROM embed_rows(%s, "
                        "'{\"task\": \"document\", \"dimensions\": 16}')" % ROWS)
        distances = 1 - matrix(TEXTS, "document", 16) @ matrix([QUESTION], "query", 16)[0]
        hits = self.hits("v", "embed('%s', 'query', '{\"dimensions\": 16}')" % QUESTION)
        numpy.testing.assert_allclose([distance for _, distance in hits], numpy.sort(distances)[:10], atol=1e-5)

    def test_int8(self):
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(vector int8[64])")
        self.db.execute("INSERT INTO v (rowid, vector) SELECT id, embedding FROM embed_rows(%s, "
                        "'{\"task\": \"document\", \"dtype\": \"int8\"}')" % ROWS)
        rows = numpy.rint(matrix(TEXTS, "document") * 127) - numpy.rint(matrix([QUESTION], "query") * 127)
        self.compare(self.hits("v", "embed('%s', 'query', '{\"dtype\": \"int8\"}')" % QUESTION),
                     numpy.linalg.norm(rows, axis=1))

    def test_bit(self):
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(vector bit[64])")
        self.db.execute("INSERT INTO v (rowid, vector) SELECT id, embedding FROM embed_rows(%s, "
                        "'{\"task\": \"document\", \"dtype\": \"bit\"}')" % ROWS)
        differ = ((matrix(TEXTS, "document") > 0) != (matrix([QUESTION], "query") > 0)).sum(axis=1)
        self.compare(self.hits("v", "embed('%s', 'query', '{\"dtype\": \"bit\"}')" % QUESTION), differ)
        self.assertEqual(one(self.db, "SELECT vec_quantize_binary(embed('x')) = embed('x', NULL, '{\"dtype\": "
                                      "\"bit\"}')"), 1)

    def test_triggers_and_updates(self):
        self.db.execute("UPDATE notes SET vector = r.embedding FROM embed_rows(%s) r WHERE r.id = notes.id" % ROWS)
        self.assertEqual(one(self.db, "SELECT sum(vec_length(vector)) FROM notes"), 300 * DIMENSIONS)
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(vector float[64])")
        self.db.execute("CREATE TRIGGER added AFTER INSERT ON notes BEGIN "
                        "INSERT INTO v (rowid, vector) VALUES (new.id, embed(new.body, 'document')); END")
        self.db.execute("CREATE TRIGGER changed AFTER UPDATE OF body ON notes BEGIN "
                        "UPDATE v SET vector = embed(new.body, 'document') WHERE rowid = new.id; END")
        self.db.execute("INSERT INTO notes (id, body) VALUES (1000, 'one')")
        self.db.execute("UPDATE notes SET body = 'two' WHERE id = 1000")
        self.assertEqual(self.hits("v", "embed('two', 'document')"), [(1000, 0.0)])

    def test_chunks(self):
        self.db.execute("CREATE VIRTUAL TABLE v USING vec0(note integer, vector float[64])")
        self.db.execute("UPDATE notes SET body = replace(hex(zeroblob(60)), '0', body || '. ') WHERE id < 5")
        self.db.execute("INSERT INTO v (note, vector) SELECT id, embedding FROM embed_rows("
                        "'SELECT notes.id, chunk FROM notes, embed_chunks(body, 60) WHERE notes.id < 5')")
        chunks = one(self.db, "SELECT count(*) FROM notes, embed_chunks(body, 60) WHERE id < 5")
        self.assertEqual(one(self.db, "SELECT count(*) FROM v"), chunks)
        self.assertGreater(chunks, 50)


if __name__ == "__main__":
    unittest.main()
