"""quern pg-worker in the server that tests/postgresql/run has started: each row gets the vector of the command, once,
whatever happens meanwhile."""
import json
import os
import signal
import struct
import subprocess
import tempfile
import time
import unittest

DIMENSIONS = 64
COPY = "COPY (%s) TO STDOUT (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"


def psql(sql, user=None):
    """What a statement prints."""
    return subprocess.run(["psql", "--quiet", "--no-psqlrc", "-At", "--set", "ON_ERROR_STOP=1", "-c", sql], check=True,
                          stdout=subprocess.PIPE, env={**os.environ, **({"PGUSER": user} if user else {})},
                          encoding="utf-8").stdout.rstrip("\n")


def quern(*arguments, environment=None):
    return subprocess.run(["quern", "pg-worker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", check=False, timeout=120, env={**os.environ, **(environment or {})})


def embed(texts):
    output = subprocess.run(["quern", "embed", "--quiet", "--null", "-t", "document", "-f", "f32"],
                            input=b"".join(text.encode() + b"\0" for text in texts), stdout=subprocess.PIPE,
                            check=True).stdout
    return [output[i:i + 4 * DIMENSIONS] for i in range(0, len(output), 4 * DIMENSIONS)]


def wait_for(sql, expected, seconds=60):
    end = time.monotonic() + seconds
    while True:
        found = psql(sql)
        if found == expected:
            return
        if time.monotonic() > end:
            raise AssertionError("%s: expected %s, got %s" % (sql, expected, found))
        time.sleep(0.1)


class Worker:
    """A worker that stays until it is stopped."""

    def __init__(self, table="notes", *options):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["quern", "pg-worker", table, "-t", "document", "--json", *options],
                                        stdout=subprocess.PIPE, stderr=self.errors, encoding="utf-8")

    def end(self, number=signal.SIGTERM):
        """Ends it; returns its exit code and the last line that it has printed."""
        self.process.send_signal(number)
        output = self.process.communicate(timeout=60)[0]
        self.errors.seek(0)
        self.said = self.errors.read()
        self.errors.close()
        lines = output.splitlines()
        return self.process.returncode, json.loads(lines[-1]) if lines else None


class Trial(unittest.TestCase):
    def setUp(self):
        psql("DROP SCHEMA IF EXISTS quern CASCADE; DROP TABLE IF EXISTS notes, written CASCADE;"
             "CREATE TABLE notes (id bigint PRIMARY KEY, body text, vector real[])")
        self.workers = []
        self.addCleanup(self.end_workers)

    def end_workers(self):
        for worker in self.workers:
            if worker.process.poll() is None: # the test has failed, or does not care
                worker.end(signal.SIGTERM)
                print(worker.said, end="")
            worker.process.stdout.close()
            worker.errors.close()

    def start(self, *arguments):
        self.workers.append(Worker(*arguments))
        return self.workers[-1]

    def set_up(self, *options):
        done = quern("setup", "notes", "--text", "body", "--vector", "vector", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def work(self, *options):
        done = quern("notes", "-t", "document", "--once", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def compare(self, count, column="to_json(vector)"):
        """So many rows must have a vector, which is that of their text."""
        rows = [json.loads(line) for line in psql(COPY % (
            "SELECT json_build_object('text', body, 'vector', %s) FROM notes WHERE vector IS NOT NULL ORDER BY id" %
            column)).splitlines()]
        self.assertEqual(len(rows), count)
        for row, vector in zip(rows, embed([row["text"] for row in rows])):
            self.assertEqual(struct.pack("<%df" % len(row["vector"]), *row["vector"]), vector, row["text"])


class Rows(Trial):
    """What becomes of rows."""

    def test_all_kinds_of_texts(self):
        psql("INSERT INTO notes SELECT i, 'it''s \\ note ' || i FROM generate_series(1, 600) i;"
             "INSERT INTO notes VALUES (1000, NULL), (1001, repeat('fox ', 5000)),"
             " (1002, E'\\t\"q\" \\\\u00e9 \u00fc\n'),"
             " (1003, ''), (1004, repeat('x', 1048577)), (1005, E'\\u4f60\\u597d')")
        self.assertEqual(self.set_up(), "notes: 605 wait, 0 failed, space not known yet\n")
        done = self.work("--json")
        self.assertEqual({name: json.loads(done.stdout)[name] for name in ("embedded", "failed", "cut")},
                         {"embedded": 603, "failed": 2, "cut": 0})
        self.compare(603)
        self.assertIn("tokens", psql("SELECT error FROM quern.errors WHERE key = '1001'"))
        self.assertEqual(psql("SELECT error FROM quern.errors WHERE key = '1004'"),
                         "the text has 1048577 bytes, more than 1048576")
        psql("UPDATE notes SET body = 'short' WHERE id = 1001; DELETE FROM notes WHERE id = 1004;"
             "UPDATE notes SET body = NULL WHERE id = 1; UPDATE notes SET id = 2000 WHERE id = 2")
        self.work()
        self.compare(603)
        self.assertEqual(psql("SELECT count(*) FROM quern.errors"), "0")
        self.assertRegex(quern("status", "notes", "--json").stdout,
                         r'^\{"table":"notes","waiting":0,"failed":0,"space":"64n-[0-9a-f]+-document"\}\n$')

    def test_long_texts_can_be_cut(self):
        psql("INSERT INTO notes VALUES (1, repeat('fox ', 5000)), (2, 'x')")
        self.set_up()
        self.assertEqual(json.loads(self.work("--truncate", "--json").stdout)["cut"], 1)
        self.assertEqual(psql("SELECT count(*) FROM notes WHERE vector IS NOT NULL"), "2")

    def test_refused_rows_do_not_stop_the_others(self):
        psql("ALTER TABLE notes ADD CHECK (vector IS NULL OR body NOT LIKE 'bad%');"
             "INSERT INTO notes SELECT i, CASE WHEN i % 100 = 7 THEN 'bad ' ELSE '' END || i"
             " FROM generate_series(1, 500) i")
        self.set_up()
        self.assertEqual(json.loads(self.work("--json").stdout)["failed"], 5)
        self.compare(495)
        self.assertEqual(psql("SELECT count(*) FROM quern.errors WHERE error LIKE '%check constraint%'"), "5")
        self.assertIn(" 0 wait, 5 failed", quern("status").stdout)

    def test_triggers_that_refuse(self):
        """One row is refused by an error in a trigger, as a wrong statement would be, and another one silently."""
        psql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             "  IF new.id = 3 THEN EXECUTE 'SELECT * FROM nothing'; END IF;"
             "  IF new.id = 4 THEN RETURN NULL; END IF; RETURN new; END $$;"
             "CREATE TRIGGER refuse BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION refuse();"
             "INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 10) i")
        self.addCleanup(psql, "DROP FUNCTION refuse CASCADE")
        self.set_up()
        self.work()
        self.compare(8)
        self.assertEqual(psql("SELECT key FROM quern.errors WHERE error LIKE '%nothing%'"), "3")
        self.assertEqual(psql("SELECT count(*) FROM quern.queue"), "0")

    def test_a_table_of_the_name_of_a_temporary_one(self):
        psql("DROP TABLE IF EXISTS quern_taken;"
             "CREATE TABLE quern_taken (id int PRIMARY KEY, body text, vector real[]);"
             "INSERT INTO quern_taken VALUES (1, 'one')")
        self.addCleanup(psql, "DROP TABLE quern_taken")
        quern("setup", "quern_taken", "--text", "body", "--vector", "vector")
        done = quern("quern_taken", "--once")
        self.assertEqual((done.returncode, psql("SELECT cardinality(vector) FROM quern_taken")), (0, "64"), done.stderr)

    def test_other_encodings(self):
        """A database in Latin 1, and one that does not know its encoding and has bytes that are no text."""
        for encoding, text in (("LATIN1", "caf\u00e9"), ("SQL_ASCII", "caf\u00e9")):
            psql("DROP DATABASE IF EXISTS other")
            psql("CREATE DATABASE other ENCODING '%s' LOCALE 'C' TEMPLATE template0" % encoding)
            self.addCleanup(psql, "DROP DATABASE IF EXISTS other")
            other = {"PGDATABASE": "other"}
            self.run_sql("CREATE TABLE notes (id int PRIMARY KEY, body text, vector bytea);"
                         "INSERT INTO notes VALUES (1, '%s')" % text, other)
            if encoding == "SQL_ASCII":
                self.run_sql("INSERT INTO notes VALUES (2, E'\\xff\\xfe')", other)
            quern("setup", "notes", "--text", "body", "--vector", "vector", environment=other)
            done = quern("notes", "-t", "document", "--once", environment=other)
            self.assertEqual(done.returncode, 0, done.stderr)
            found = self.run_sql("SELECT encode(vector, 'hex') FROM notes WHERE id = 1", other)
            self.assertEqual(bytes.fromhex(found), embed([text])[0])
            self.assertEqual(self.run_sql("SELECT count(*) FROM quern.queue", other), "0")

    def run_sql(self, sql, environment):
        return subprocess.run(["psql", "--quiet", "-At", "-c", sql], check=True, stdout=subprocess.PIPE,
                              env={**os.environ, "PGCLIENTENCODING": "UTF8", **environment},
                              encoding="utf-8").stdout.strip()

    def test_only_changes_of_the_text_count(self):
        psql("ALTER TABLE notes ADD COLUMN other int; INSERT INTO notes VALUES (1, 'one')")
        self.set_up()
        self.work()
        psql("UPDATE notes SET other = 1; UPDATE notes SET body = body")
        self.assertEqual(psql("SELECT count(*) FROM quern.queue"), "0")
        psql("BEGIN; UPDATE notes SET body = 'two'; ROLLBACK")
        self.assertEqual(psql("SELECT count(*) FROM quern.queue"), "0")
        psql("UPDATE notes SET body = 'two'; TRUNCATE notes")
        self.work()
        self.assertEqual(psql("SELECT count(*) FROM quern.queue"), "0")

    def test_names_that_need_quotes(self):
        psql('DROP SCHEMA IF EXISTS "A b" CASCADE; CREATE SCHEMA "A b";'
             'CREATE TABLE "A b"."it""s %s" ("the Key" uuid PRIMARY KEY, "select" varchar(20), "v\'c" real[]);'
             'INSERT INTO "A b"."it""s %s" SELECT gen_random_uuid(), \'text \' || i FROM generate_series(1, 9) i')
        name = '"A b"."it""s %s"'
        done = quern("setup", name, "--text", "select", "--vector", "v'c")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(quern(name, "--once").returncode, 0)
        self.assertEqual(psql('SELECT count("v\'c") FROM "A b"."it""s %s"'), "9")
        for words in (["setup", "A b", "--text", "a", "--vector", "b"], ["setup", "Other", "--text", "a", "--vector", "b"],
                      ["status", "A b"], ["A b"]):
            done = quern(*words)
            self.assertEqual(done.returncode, 1)
            self.assertIn("needs double quotes", done.stderr)

    def test_keys_do_not_depend_on_settings(self):
        """Dates and numbers as keys, which programs with other settings have written."""
        for kind, style, values in (("date", "datestyle = 'SQL, DMY'", "('05/04/2026'::date), ('31/12/2026'::date)"),
                                    ("float8", "extra_float_digits = -15", "(0.1::float8 + 0.2::float8), (pi())"),
                                    ("interval", "intervalstyle = 'sql_standard'", "('-1 day +2 hours'::interval)")):
            psql("DROP SCHEMA IF EXISTS quern CASCADE; DROP TABLE notes;"
                 "CREATE TABLE notes (id %s PRIMARY KEY, body text, vector real[])" % kind)
            psql("ALTER ROLE quern SET %s" % style)
            try:
                psql("INSERT INTO notes SELECT *, 'before' FROM (VALUES %s) AS v" % values)
                self.set_up()
                psql("UPDATE notes SET body = 'after'")
            finally:
                psql("ALTER ROLE quern RESET ALL")
            self.work()
            self.assertEqual(psql("SELECT count(*) FROM notes WHERE vector IS NULL"), "0", kind)

    def test_partitions_and_keys_of_text(self):
        psql("DROP TABLE notes; CREATE TABLE notes (id text, body text, vector real[]) PARTITION BY LIST (id);"
             "CREATE TABLE notes_a PARTITION OF notes FOR VALUES IN ('a');"
             "CREATE TABLE notes_b PARTITION OF notes DEFAULT")
        done = quern("setup", "notes", "--text", "body", "--vector", "vector")
        self.assertIn("has no primary key of one column", done.stderr)
        self.assertIn("is a partition", quern("setup", "notes_a", "--text", "body", "--vector", "vector").stderr)
        self.set_up("--id", "id")
        psql("INSERT INTO notes VALUES ('a', 'one'), ('it''s', 'two'), (NULL, 'none')")
        self.work()
        self.compare(2)

    def test_who_changes_the_table_needs_no_rights(self):
        psql("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN; GRANT INSERT ON notes TO writer")
        self.addCleanup(psql, "DROP OWNED BY writer; DROP ROLE writer")
        self.set_up()
        psql("INSERT INTO notes VALUES (1, 'one')", user="writer")
        self.work()
        self.compare(1)
        with self.assertRaises(subprocess.CalledProcessError):
            psql("SELECT * FROM quern.queue", user="writer")


class Columns(Trial):
    """The types of the column of vectors."""

    def one(self, kind, expression):
        psql("ALTER TABLE notes DROP COLUMN vector; ALTER TABLE notes ADD COLUMN vector %s;"
             "INSERT INTO notes VALUES (1, 'a red apple')" % kind)
        self.set_up()
        self.work()
        return psql("SELECT %s FROM notes" % expression), embed(["a red apple"])[0]

    def test_bytes(self):
        found, vector = self.one("bytea", "encode(vector, 'hex')")
        self.assertEqual(bytes.fromhex(found), vector)

    def test_doubles(self):
        found, vector = self.one("double precision[]", "to_json(vector)")
        self.assertEqual(struct.pack("<64f", *json.loads(found)), vector)

    def test_the_form_of_pgvector(self):
        """Types of its names that keep the bytes that they are sent."""
        self.addCleanup(psql, "DROP TYPE vector CASCADE; DROP TYPE halfvec CASCADE")
        for name in ("vector", "halfvec"):
            psql("CREATE TYPE {0};"
                 "CREATE FUNCTION {0}_in(cstring) RETURNS {0} LANGUAGE internal IMMUTABLE STRICT AS 'byteain';"
                 "CREATE FUNCTION {0}_out({0}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'byteaout';"
                 "CREATE FUNCTION {0}_recv(internal) RETURNS {0} LANGUAGE internal IMMUTABLE STRICT AS 'bytearecv';"
                 "CREATE OR REPLACE FUNCTION {0}_size(cstring[]) RETURNS int LANGUAGE internal IMMUTABLE STRICT"
                 " AS 'bittypmodin';"
                 "CREATE TYPE {0} (INPUT = {0}_in, OUTPUT = {0}_out, RECEIVE = {0}_recv, TYPMOD_IN = {0}_size);"
                 "CREATE CAST ({0} AS bytea) WITHOUT FUNCTION".format(name))
        psql("ALTER TABLE notes ADD COLUMN other vector(63)")
        quern("setup", "notes", "--text", "body", "--vector", "other")
        self.assertIn("is vector(63), and this model gives 64 dimensions", quern("notes").stderr)
        psql("DROP SCHEMA quern CASCADE")
        found, vector = self.one("vector(64)", "encode(vector::bytea, 'hex')")
        numbers = struct.unpack("<64f", vector)
        self.assertEqual(bytes.fromhex(found), struct.pack(">hh64f", 64, 0, *numbers))
        psql("DROP SCHEMA quern CASCADE; TRUNCATE notes")
        found, vector = self.one("halfvec", "encode(vector::bytea, 'hex')")
        self.assertEqual(bytes.fromhex(found), struct.pack(">hh64e", 64, 0, *numbers))

    def test_a_wrong_type(self):
        psql("ALTER TABLE notes ADD COLUMN place point; INSERT INTO notes VALUES (1, 'one')")
        quern("setup", "notes", "--text", "body", "--vector", "place")
        done = quern("notes", "-t", "document", "--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is of type point", done.stderr)
        self.assertEqual(psql("SELECT count(*) FROM quern.queue"), "1")


class Refusals(Trial):
    def refused(self, text, *arguments, code=1):
        done = quern(*arguments)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(text, done.stderr)

    def test_what_is_not_there(self):
        columns = ("--text", "body", "--vector", "vector")
        self.refused("is not set up", "notes", "-t", "document")
        self.refused("not set up", "status", "notes")
        self.assertEqual(quern("status").returncode, 0)
        self.refused("there is no table 'other'", "setup", "other", *columns)
        self.refused("no column 'x' for --text", "setup", "notes", "--text", "x", "--vector", "vector")
        self.refused("no column 'x' for --vector", "setup", "notes", "--text", "body", "--vector", "x")
        self.refused("no column 'x' for --id", "setup", "notes", *columns, "--id", "x")
        self.refused("take the place of the text", "setup", "notes", "--text", "body", "--vector", "body")
        self.refused("take the place of the key", "setup", "notes", "--text", "body", "--vector", "id")
        self.refused("name the columns", "setup", "notes", code=2)
        self.refused("name the table", code=2)
        self.refused("name the table", "setup", code=2)
        self.refused("is another one", "notes", "others", code=2)
        self.refused("go with 'quern pg-worker setup'", "notes", "--again", code=2)
        self.refused("does not exist", "notes", "--database", "dbname=nothing")
        self.refused("end of string", "notes", "--database", "postgresql://[")
        self.refused("nowhere", "notes", "--database", "host=/nowhere")
        quern("setup", "notes", *columns)
        psql("DROP TABLE notes")
        self.assertEqual(quern("status").stdout, "")
        self.refused("is not set up", "notes", "-t", "document")
        psql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, vector real[]);"
             "CREATE VIEW view AS SELECT * FROM notes")
        self.refused("there is no table 'view'", "setup", "view", *columns)

    def test_another_space(self):
        psql("INSERT INTO notes VALUES (1, 'one')")
        self.set_up()
        self.work()
        psql("INSERT INTO notes VALUES (2, 'two')")
        self.refused("the table has vectors of the space 64n", "notes", "-t", "query", "--once")
        self.refused("the table has vectors of the space 64n", "notes", "-t", "document", "-d", "16", "--once")
        staying = self.start()
        wait_for("SELECT count(vector) FROM notes", "2")
        self.assertIn("2 wait", self.set_up("--again"))
        psql("NOTIFY quern_queue")
        self.assertEqual(staying.process.wait(timeout=60), 1)
        staying.end()
        self.assertIn("the table was set up again", staying.said)
        self.assertEqual(quern("notes", "-t", "document", "-d", "16", "--once").returncode, 0)
        self.assertEqual(psql("SELECT sum(cardinality(vector)) FROM notes"), "32")

    def test_a_worker_without_rights(self):
        psql("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; INSERT INTO notes VALUES (1, 'one')")
        self.addCleanup(psql, "DROP ROLE reader")
        self.set_up()
        done = quern("notes", "-t", "document", environment={"PGUSER": "reader"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("permission denied", done.stderr)


class Together(Trial):
    """Several workers, other programs, and ends in the middle."""

    def setUp(self):
        super().setUp()
        # Each vector that is stored, with its text. A text must not get its vector twice.
        psql("CREATE TABLE written (id bigint, body text);"
             "CREATE FUNCTION note_vector() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             "  INSERT INTO written VALUES (new.id, new.body); RETURN NULL; END $$;"
             "CREATE TRIGGER note_vector AFTER UPDATE OF vector ON notes FOR EACH ROW WHEN (new.vector IS NOT NULL)"
             "  EXECUTE FUNCTION note_vector()")
        self.addCleanup(psql, "DROP FUNCTION note_vector CASCADE")

    def once_each(self):
        self.assertEqual(psql("SELECT count(*) FROM (SELECT FROM written GROUP BY id, body HAVING count(*) > 1) t"),
                         "0")

    def fill(self, count):
        psql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, %d) i" % count)

    def test_rows_that_are_hidden_from_the_worker(self):
        """They are not taken for removed ones."""
        psql("INSERT INTO notes SELECT i, 'text ' || i FROM generate_series(1, 5) i")
        self.set_up()
        psql("DROP ROLE IF EXISTS blinkered; CREATE ROLE blinkered LOGIN; GRANT SELECT, UPDATE ON notes TO blinkered;"
             "GRANT USAGE ON SCHEMA quern TO blinkered; GRANT ALL ON written TO blinkered;"
             "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA quern TO blinkered;"
             "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
             "CREATE POLICY few ON notes TO blinkered USING (id < 3)")
        self.addCleanup(psql, "DROP OWNED BY blinkered CASCADE; DROP ROLE blinkered")
        done = quern("notes", "-t", "document", "--once", environment={"PGUSER": "blinkered"})
        self.assertEqual(done.returncode, 1)
        self.assertIn("row security may hide rows", done.stderr)
        psql("ALTER ROLE blinkered BYPASSRLS")
        done = quern("notes", "-t", "document", "--once", environment={"PGUSER": "blinkered"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.compare(5)

    def test_workers_share(self):
        self.set_up()
        workers = [self.start() for _ in range(3)]
        for number in range(20):
            psql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(%d, %d) i" %
                 (number * 100, number * 100 + 99))
        wait_for("SELECT count(vector) FROM notes", "2000")
        wait_for("SELECT count(*) FROM quern.queue", "0")
        ends = [worker.end() for worker in workers]
        self.assertEqual([code for code, _ in ends], [0, 0, 0])
        self.assertEqual(sum(told["embedded"] for _, told in ends if told is not None), 2000)
        self.compare(2000)
        self.once_each()

    def test_a_notification_wakes_the_worker(self):
        self.set_up()
        self.start()
        psql("INSERT INTO notes VALUES (0, 'first')")
        wait_for("SELECT count(vector) FROM notes", "1")
        start = time.monotonic()
        for number in range(1, 6): # without it, this takes 5 seconds for each
            psql("INSERT INTO notes VALUES (%d, 'next')" % number)
            wait_for("SELECT count(vector) FROM notes", str(number + 1))
        self.assertLess(time.monotonic() - start, 20)

    def test_changes_meanwhile(self):
        self.set_up()
        self.fill(2000)
        workers = [self.start(), self.start()]
        for _ in range(10):
            psql("UPDATE notes SET body = body || ' more' WHERE id % 3 = 0; DELETE FROM notes WHERE id IN "
                 "(SELECT max(id) FROM notes)")
        wait_for("SELECT count(*) FROM quern.queue", "0")
        self.assertEqual([worker.end()[0] for worker in workers], [0, 0])
        self.compare(1990)
        self.once_each()

    def test_locked_rows_are_left_for_later(self):
        self.set_up()
        self.fill(300)
        locker = subprocess.Popen(["psql", "--quiet", "-At"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  encoding="utf-8")
        locker.stdin.write("BEGIN; UPDATE notes SET body = 'changed' WHERE id = 7;\n"
                           "SELECT id FROM notes WHERE id = 8 FOR UPDATE;\n")
        locker.stdin.flush()
        self.assertEqual(locker.stdout.readline(), "8\n")
        self.start()
        wait_for("SELECT count(vector) FROM notes", "298")
        locker.communicate("COMMIT;\n")
        wait_for("SELECT count(vector) FROM notes", "300")
        wait_for("SELECT count(*) FROM quern.queue", "0")
        self.compare(300)

    def test_a_worker_that_is_killed(self):
        self.set_up()
        self.fill(3000)
        for number in range(8):
            worker = self.start()
            time.sleep(0.05 + 0.03 * number)
            worker.end(signal.SIGKILL)
        wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'quern pg-worker'", "t")
        self.assertEqual(psql("SELECT count(DISTINCT key) + (SELECT count(vector) FROM notes) FROM quern.queue"),
                         "3000")
        self.work()
        self.compare(3000)
        self.once_each()

    def test_a_signal_ends_it(self):
        self.set_up()
        self.fill(3000)
        for number in (signal.SIGTERM, signal.SIGINT):
            worker = self.start()
            time.sleep(0.2)
            code, told = worker.end(number)
            self.assertEqual(code, 0)
            self.assertEqual(psql("SELECT count(*) + (SELECT count(vector) FROM notes) FROM quern.queue"), "3000", told)
        worker = self.start("notes", "--once")
        time.sleep(0.1)
        self.assertIn(worker.end()[0], (75, 0))
        self.work()
        self.compare(3000)
        self.once_each()

    def kill_server(self):
        with open(os.path.join(os.environ["QUERN_DATA"], "postmaster.pid"), encoding="ascii") as file:
            os.kill(int(file.readline()), signal.SIGKILL)
        with open(os.path.join(os.environ["QUERN_DATA"], "postmaster.pid"), encoding="ascii") as file:
            number = file.readline().strip()
        while os.path.exists("/proc/%s" % number):
            time.sleep(0.05)
        for _ in range(60): # until its children have seen it and are gone, too
            time.sleep(0.5)
            if subprocess.run(os.environ["QUERN_START_SERVER"], shell=True, check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
        self.fail("the server does not start again")

    def test_a_server_that_is_killed(self):
        self.set_up()
        self.fill(4000)
        workers = [self.start(), self.start()]
        for number in range(3):
            time.sleep(0.2 + 0.1 * number)
            self.kill_server()
        psql("INSERT INTO notes VALUES (5000, 'the last one')")
        wait_for("SELECT count(vector) FROM notes", "4001")
        wait_for("SELECT count(*) FROM quern.queue", "0")
        self.assertEqual([worker.end()[0] for worker in workers], [0, 0])
        self.assertTrue(any("trying again" in worker.said for worker in workers))
        self.compare(4001)
        self.once_each()

    def test_connections_that_are_ended(self):
        self.set_up()
        self.start()
        for number in range(5):
            psql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(%d, %d) i" %
                 (number * 300, number * 300 + 299))
            time.sleep(0.05)
            psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quern pg-worker'")
        wait_for("SELECT count(vector) FROM notes", "1500")
        self.compare(1500)
        self.once_each()

    def test_once_ends_when_the_connection_does(self):
        self.set_up()
        self.fill(200000)
        worker = self.start("notes", "--once")
        wait_for("SELECT count(vector) > 0 FROM notes", "t")
        psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'quern pg-worker'")
        self.assertEqual(worker.process.wait(timeout=60), 75)


if __name__ == "__main__":
    unittest.main(verbosity=2)
