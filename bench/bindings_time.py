#!/usr/bin/env python3
"""The time by the clock of the packages for Python and Node.js and of the extension of SQLite beside that of the
command, for the same texts of 16 tokens; and that of a single text beside the library's. All take turns in each round,
so that what else runs on the machine hits all; the ratios are those of the least times.

usage: QUERN_BUILD=build PYTHONPATH=build/bindings/python:tests/sqlite bench/bindings_time.py MODEL TEXTS ROUNDS
"""
import os
import subprocess
import sys
import tempfile
import time

WORDS = "the a cat dog house river water plant drink tree sun red apple fruit tax office city road".split()
BUILD = os.environ["QUERN_BUILD"]
SINGLES = 40  # calls with one text, in each round

NODE = """
const fs = require("fs"), [folder, model, file] = process.argv.slice(1);
const texts = fs.readFileSync(file, "utf8").trimEnd().split("\\n");
require(folder).open(model).then(async (opened) => {
    for await (const line of require("readline").createInterface({ input: process.stdin })) {
        const start = process.hrtime.bigint();
        if (line === "all")
            await opened.embed(texts);
        else
            for (let i = 0; i < Number(line); i++)
                await opened.embed(texts[i]);
        console.log(Number(process.hrtime.bigint() - start) / 1e9);
    }
});
"""


def answer_with(all_texts, one_text, texts):
    """Answers each line of standard input, "all" or a number of single texts, with the seconds that it took."""
    for line in iter(sys.stdin.readline, ""):
        start = time.perf_counter()
        if line.strip() == "all":
            all_texts()
        else:
            for text in texts[:int(line)]:
                one_text(text)
        print(time.perf_counter() - start, flush=True)


def answer_python(model, texts):
    import quern
    embedder = quern.Embedder(model)
    answer_with(lambda: embedder.encode(texts), embedder.encode, texts)


def answer_library(model, texts):
    """A single text, by the library alone: what Python puts around it is made before."""
    import ctypes
    import quern
    from quern import _library
    embedder = quern.Embedder(model)
    options, error = embedder.embed_options(None), _library.quern_error()
    out = (ctypes.c_float * options.dimensions)()
    ready = {text: _library.quern_text(text.encode(), len(text)) for text in texts[:SINGLES]}
    context = embedder._model.use(lambda context: context)

    def one_text(text):
        _library.lib.quern_embed(context, ready[text], 1, options, out, len(out), None, error)
    answer_with(lambda: None, one_text, texts)


def answer_sqlite(model, texts):
    from loading import connect, one
    connection = connect()
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
    connection.executemany("INSERT INTO t (body) VALUES (?)", [(text,) for text in texts])
    one(connection, "SELECT embed_model(?)", model)
    rows = "SELECT sum(length(embedding)) FROM embed_rows('SELECT id, body FROM t', '{\"task\": \"none\"}')"
    answer_with(lambda: one(connection, rows), lambda text: one(connection, "SELECT embed(?)", text), texts)


class Caller:
    """A process that embeds when it is told to."""

    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def command_seconds(model, path):
    start = time.perf_counter()
    subprocess.run([os.path.join(BUILD, "quern"), "embed", "--quiet", "-m", model, "-i", path, "-f", "f32", "-o",
                    os.devnull], check=True)
    return time.perf_counter() - start


def measure(model, texts, rounds):
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("all.txt", "twice.txt")]
        for name, lines in zip(names, (texts, texts + texts)):
            with open(name, "w", encoding="ascii") as file:
                file.writelines(text + "\n" for text in lines)
        node = os.path.abspath(os.path.join(BUILD, "bindings", "node"))
        callers = {name: Caller(sys.executable, __file__, model, str(len(texts)), name)
                   for name in ("library", "python", "sqlite")}
        callers["node"] = Caller("node", "-e", NODE, node, os.path.abspath(model), names[0])
        for caller in callers.values():  # opens the model
            caller.seconds("1")
        many, single = {}, {}
        for _ in range(rounds):
            many.setdefault("once", []).append(command_seconds(model, names[0]))
            many.setdefault("twice", []).append(command_seconds(model, names[1]))
            for name, caller in callers.items():
                single.setdefault(name, []).append(caller.seconds(str(SINGLES)) / SINGLES)
                if name != "library":
                    many.setdefault(name, []).append(caller.seconds("all"))
        for caller in callers.values():
            caller.process.communicate()
    # What the command needs to begin, it needs once for all texts.
    command = min(many["twice"]) - min(many["once"])
    print("%d texts: command %.3f s; " % (len(texts), command) +
          ", ".join("%s %.3f" % (name, min(many[name]) / command) for name in ("python", "node", "sqlite")))
    print("one text: library %.3f ms; " % (1e3 * min(single["library"])) +
          ", ".join("%s +%.3f" % (name, 1e3 * (min(single[name]) - min(single["library"])))
                    for name in ("python", "node", "sqlite")))


if __name__ == "__main__":
    TEXTS = [" ".join(WORDS[(7 * i + 3 * j * (i % 5 + 1)) % len(WORDS)] for j in range(14))
             for i in range(int(sys.argv[2]))]
    if sys.argv[3].isdigit():
        measure(sys.argv[1], TEXTS, int(sys.argv[3]))
    else:
        {"library": answer_library, "python": answer_python, "sqlite": answer_sqlite}[sys.argv[3]](sys.argv[1], TEXTS)
