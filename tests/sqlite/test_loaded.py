"""The extension as programs load it: by Python's sqlite3 and by SQLite's own command. Its vectors are the command's."""
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import unittest

from loading import EXTENSION, connect, mapped, one
from trial import BUILD, TEXTS, WORK, command_vectors, tiny_model

COUNTING = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, ''text '' || i FROM n"


def run_python(program, **environment):
    """Runs a program in a process of its own."""
    return subprocess.run([sys.executable, "-c", "import os, sqlite3\nfrom loading import *\n" + program],
                          text=True, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment},
                          cwd=os.path.dirname(os.path.abspath(__file__)))


class Vectors(unittest.TestCase):
    def setUp(self):
        os.environ["QUERN_MODEL"] = tiny_model()
        self.connection = connect()
        self.addCleanup(self.connection.close)

    def test_the_commands_bits(self):
        texts = [text for text in TEXTS if "\0" not in text]
        for task in ("none", "query", "document"):
            expected = command_vectors(texts, "-t", task)
            self.assertEqual(b"".join(one(self.connection, "SELECT embed(?, ?)", text, task) for text in texts),
                             expected)
            self.connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
            self.connection.executemany("INSERT INTO t(b) VALUES (?)", [(text,) for text in texts])
            rows = self.connection.execute("SELECT embedding FROM embed_rows('SELECT a, b FROM t', "
                                           "json_object('task', ?))", (task,))
            self.assertEqual(b"".join(row[0] for row in rows), expected)
            self.connection.execute("DROP TABLE t")

    def test_utf16(self):
        expected = one(self.connection, "SELECT embed('caf\u00e9 \U0001f600')")
        other = sqlite3.connect(":memory:")
        other.execute("PRAGMA encoding = 'UTF-16'")
        other.execute("CREATE TABLE t(a, b)")
        other.execute("INSERT INTO t VALUES (1, 'caf\u00e9 \U0001f600')")
        other.enable_load_extension(True)
        other.load_extension(EXTENSION)
        self.assertEqual(one(other, "SELECT embed(b) FROM t"), expected)
        self.assertEqual(one(other, "SELECT embedding FROM embed_rows('SELECT a, b FROM t', '{\"task\": \"none\"}')"),
                         expected)
        self.assertEqual(one(other, "SELECT chunk FROM t, embed_chunks(b)"), "caf\u00e9 \U0001f600")
        other.close()

    def test_the_command_of_sqlite(self):
        result = subprocess.run(["sqlite3", ":memory:", ".load " + EXTENSION, "SELECT hex(embed('the fox', 'query'))"],
                                stdout=subprocess.PIPE, check=True, text=True)
        self.assertEqual(bytes.fromhex(result.stdout), command_vectors(["the fox"], "-t", "query"))

    def test_only_the_entry_is_visible(self):
        names = subprocess.run(["nm", "-D", "--defined-only", EXTENSION + ".so"], stdout=subprocess.PIPE, check=True,
                               text=True).stdout.split("\n")
        self.assertEqual([name.split()[-1] for name in names if name], ["sqlite3_quern_init"])


class Connections(unittest.TestCase):
    def setUp(self):
        os.environ["QUERN_MODEL"] = tiny_model()

    def test_interrupt(self):
        connection = connect()
        rows = connection.execute("SELECT id FROM embed_rows('%s')" % COUNTING)
        next(rows)
        thread = threading.Thread(target=connection.interrupt)
        thread.start()
        thread.join()
        with self.assertRaisesRegex(sqlite3.OperationalError, "interrupted"):
            for row in rows:
                self.assertLess(row[0], 10000)
        self.assertEqual(one(connection, "SELECT length(embed('x'))"), 256)
        connection.close()

    def test_threads_and_files(self):
        """Threads have connections to one file, and write what they embed."""
        path = os.path.join(WORK, "threads.db")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t(a, e)")
        failures = []

        def work(number):
            try:
                for i in range(5):
                    with contextlib.closing(connect(path=path)) as connection, connection:
                        connection.execute("INSERT INTO t SELECT ?, embed(?)", (number, "text %d" % i))
            except Exception as failure:  # shown below
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        with contextlib.closing(connect(path=path)) as connection:
            self.assertEqual(connection.execute("SELECT count(*), count(DISTINCT e) FROM t").fetchone(), (30, 5))

    def test_models_are_shared(self):
        """By connections, and by those that come later; a model that nobody uses is closed when another one is
        opened."""
        paths = [os.path.join(WORK, name) for name in ("first.gguf", "second.gguf")]
        for path in paths:
            shutil.copy(tiny_model(), path)
        connections = [connect() for _ in range(3)]
        one(connections[0], "SELECT embed_model(?)", paths[0])
        number = mapped(paths[0])
        self.assertGreater(number, 0)
        for connection in connections[1:]:
            one(connection, "SELECT embed_model(?)", paths[0])
        self.assertEqual(mapped(paths[0]), number)
        for connection in connections:
            connection.close()
        self.assertEqual(mapped(paths[0]), number)
        with contextlib.closing(connect()) as connection:
            one(connection, "SELECT embed_model(?)", paths[0])
            self.assertEqual(mapped(paths[0]), number)
            one(connection, "SELECT embed_model(?)", paths[1])
            self.assertEqual((mapped(paths[0]), mapped(paths[1])), (0, number))
            space = one(connection, "SELECT embed_space()")
            # Another file in its place is another model.
            shutil.copy(os.path.join(BUILD, "models", "starter.gguf"), paths[0])
            os.rename(paths[0], paths[1])
            self.assertEqual(one(connection, "SELECT embed_space()"), space)
            with contextlib.closing(connect()) as other:
                one(other, "SELECT embed_model(?)", paths[1])
                self.assertNotEqual(one(other, "SELECT embed_space()"), space)

    def test_kinds_of_tables(self):
        """Views, tables without a rowid, of an attached database, and of one that may only be read."""
        path, other = (os.path.join(WORK, name) for name in ("kinds.db", "attached.db"))
        with contextlib.closing(connect(path=path)) as connection:
            connection.execute("ATTACH ? AS other", (other,))
            connection.execute("CREATE TABLE t(id TEXT PRIMARY KEY, body) WITHOUT ROWID")
            connection.execute("INSERT INTO t VALUES ('a', 'one'), ('b', 'two')")
            connection.execute("CREATE TABLE other.o AS SELECT * FROM t")
            connection.execute("CREATE VIEW v AS SELECT id, body FROM t")
            connection.commit()
            expected = connection.execute("SELECT id, embed(body) FROM t").fetchall()
            for table in ("t", "v", "other.o"):
                self.assertEqual(connection.execute("SELECT id, embedding FROM embed_rows('SELECT id, body FROM %s')" %
                                                    table).fetchall(), expected)
        read_only = "file:%s?mode=ro" % path
        with contextlib.closing(sqlite3.connect(read_only, uri=True)) as connection:
            connection.enable_load_extension(True)
            connection.load_extension(EXTENSION)
            rows = connection.execute("SELECT id, embedding FROM embed_rows('SELECT id, body FROM v')")
            self.assertEqual(rows.fetchone(), expected[0])
            connection.close() # in the middle of the query
            self.assertRaises(sqlite3.ProgrammingError, rows.fetchone)

    def test_a_connection_refuses_to_read(self):
        """What a program forbids its statements, it forbids the query of embed_rows."""
        with contextlib.closing(connect()) as connection:
            connection.execute("CREATE TABLE secret(id, body)")
            connection.set_authorizer(lambda action, name, *_: sqlite3.SQLITE_DENY
                                      if (action, name) == (sqlite3.SQLITE_READ, "secret") else sqlite3.SQLITE_OK)
            with self.assertRaisesRegex(sqlite3.DatabaseError, "prohibited"):
                connection.execute("SELECT * FROM embed_rows('SELECT id, body FROM secret')")

    def test_loaded_twice(self):
        connection = connect()
        first = one(connection, "SELECT embed('x')")
        connection.enable_load_extension(True)
        connection.load_extension(EXTENSION)
        self.assertEqual(one(connection, "SELECT embed('x')"), first)
        connection.close()

    def test_fork(self):
        result = run_python("""
connection = connect()
expected = one(connection, "SELECT embed('x')")
child = os.fork()
if child == 0:
    try:
        one(connection, "SELECT embed('x')")
        os._exit(1)
    except sqlite3.OperationalError as error:
        if "before fork()" not in str(error):
            os._exit(2)
    other = connect()
    before = mapped(os.environ["QUERN_MODEL"])
    same = one(other, "SELECT embed('x')") == expected
    if mapped(os.environ["QUERN_MODEL"]) != 2 * before: # what the parent has open is not used
        os._exit(4)
    other.close()
    connection.close()
    os._exit(0 if same else 3)
status = os.waitpid(child, 0)[1]
print(status, one(connection, "SELECT embed('x')") == expected)
""")
        self.assertEqual((result.stdout, result.stderr), ("0 True\n", ""))

    def test_end_of_the_process(self):
        """A program may end with open connections, and with a query that is not read to its end."""
        result = run_python("connection = connect()\nrows = connection.execute(\"SELECT id FROM embed_rows('%s')\")\n"
                            "next(rows)" % COUNTING)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class Lookup(unittest.TestCase):
    """The model is found as the command finds it."""

    def found(self, expression="embed_model()", extension=EXTENSION, **environment):
        result = run_python("try:\n    print(one(connect(%r), 'SELECT %s'))\n"
                            "except sqlite3.OperationalError as error:\n    print(error)" % (extension, expression),
                            **{"QUERN_MODEL": "", "HOME": WORK, "XDG_CACHE_HOME": os.path.join(WORK, "none"),
                               **environment})
        self.assertEqual(result.stderr, "")
        return result.stdout[:-1]

    def test_order(self):
        cache = os.path.join(WORK, "lookup", "quern")
        os.makedirs(cache, exist_ok=True)
        names = [os.path.join(cache, name) for name in ("other.gguf", "embeddinggemma-300M-Q8_0.gguf")]
        starter = os.path.join(BUILD, "models", "starter.gguf")
        lookup = {"XDG_CACHE_HOME": os.path.join(WORK, "lookup")}
        self.assertEqual(self.found(), starter)
        with open(os.path.join(cache, "broken.gguf"), "wb") as file:
            file.write(b"no model")
        self.assertEqual(self.found(**lookup), starter)
        for name in names:
            shutil.copy(tiny_model(), name)
            self.assertEqual(self.found(**lookup), name)
        self.assertEqual(self.found(QUERN_MODEL=tiny_model(), **lookup), tiny_model())
        self.assertEqual(self.found(QUERN_MODEL="embeddinggemma", **lookup), names[1])
        self.assertEqual(self.found('embed_model("embeddinggemma")', **lookup), names[1])
        self.assertEqual(self.found(QUERN_MODEL="minilm", **lookup),
                         "embed_model: $QUERN_MODEL: minilm is not there yet: the command 'quern pull minilm' downloads "
                         "it")

    def test_no_model(self):
        folder = os.path.join(WORK, "a", "b", "c", "d")
        os.makedirs(folder)
        copy = os.path.join(folder, "quern0.so")
        shutil.copy(EXTENSION + ".so", copy)
        self.assertEqual(self.found(extension=copy),
                         "embed_model: no model: the command 'quern pull embeddinggemma' downloads one; or set "
                         "QUERN_MODEL=FILE, or call embed_model('FILE')")


if __name__ == "__main__":
    unittest.main()
