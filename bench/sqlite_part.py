#!/usr/bin/env python3
"""The time of embed_rows and embed in SQLite beside that of the command, for 10,000 texts. It is processor time, which
other work on the machine changes little.

usage: QUERN_BUILD=build PYTHONPATH=tests/sqlite bench/sqlite_part.py MODEL
"""
import os
import resource
import subprocess
import sys
import tempfile
import time

from loading import connect, one

WORDS = "the a cat dog house river water plant drink tree sun red apple fruit tax office city road".split()
TEXTS = [" ".join(WORDS[(7 * i + 3 * j * (i % 5 + 1)) % len(WORDS)] for j in range(14)) for i in range(10000)]
ROUNDS = 5


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def least(function, clock):
    """The least time of several calls, by this clock."""
    taken = []
    for _ in range(ROUNDS):
        start = clock()
        function()
        taken.append(clock() - start)
    return min(taken)


def command(path, texts):
    """Embeds the lines of a file with the command."""
    subprocess.run([os.path.join(os.environ["QUERN_BUILD"], "quern"), "embed", "--quiet", "-m", path, "-i", texts, "-f",
                    "f32", "-o", os.devnull], check=True)


def main(path):
    connection = connect()
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    connection.executemany("INSERT INTO t (body) VALUES (?)", [(text,) for text in TEXTS])
    one(connection, "SELECT embed_model(?)", path)
    print("%.1f tokens a text" % one(connection, "SELECT avg(embed_tokens(body)) FROM t"))
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("all.txt", "one.txt")]
        for name, texts in zip(names, (TEXTS, TEXTS[:1])):
            with open(name, "w", encoding="ascii") as file:
                file.writelines(text + "\n" for text in texts)
        begin = least(lambda: command(path, names[1]), children)
        print("command:    %.2f s" % (least(lambda: command(path, names[0]), children) - begin))
    rows = "SELECT sum(length(embedding)) FROM embed_rows('SELECT id, body FROM t', '{\"task\": \"none\"}')"
    print("embed_rows: %.2f s" % least(lambda: one(connection, rows), time.process_time))
    print("embed:      %.2f s" % least(lambda: one(connection, "SELECT sum(length(embed(body))) FROM t"),
                                       time.process_time))


if __name__ == "__main__":
    main(sys.argv[1])
