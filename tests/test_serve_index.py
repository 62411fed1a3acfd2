#!/usr/bin/env python3
"""Search in a server's indexes, from end to end. Speaks TAP. usage: test_serve_index.py QUERN MKMODEL"""
import atexit
import concurrent.futures
import fcntl
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from scripted_checks import MKMODEL, QUERN, check, end, quern


def write(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def writable(*options):
    """A server whose indexes may be changed. Where the system has no Landlock, it does so without a sandbox."""
    try:
        return Server("--index-writable", *options)
    except SystemExit as end:
        if "needs Landlock" not in str(end):
            raise
        return Server("--index-writable", "--no-sandbox", *options)


class Server:
    def __init__(self, *options):
        self.log = open("log", "w+b")
        self.process = subprocess.Popen([QUERN, "serve", "--port", "0", *options], stderr=self.log)
        atexit.register(self.process.kill)
        for _ in range(600):
            ready = re.search(r"ready on http://([0-9.]+):(\d+)", self.said())
            if ready or self.process.poll() is not None:
                break
            time.sleep(0.1)
        if not ready:
            raise SystemExit("Bail out! the server does not start: %s" % self.said())
        self.address = (ready[1], int(ready[2]))

    def said(self):
        with open("log", encoding="utf-8") as file:
            return file.read()

    def ask(self, method, path, body=None, **fields):
        connection = http.client.HTTPConnection(*self.address, timeout=100)
        connection.request(method, path, body if body is None or isinstance(body, bytes) else json.dumps(body), fields)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text[:1] in "{[" and text else text

    def search(self, query, **more):
        status, answer = self.ask("POST", "/search", {"query": query, **more})
        if status != 200:
            raise SystemExit("Bail out! %s: %s" % (status, answer))
        return answer

    def change(self, what, **body):
        status, answer = self.ask("POST", "/index/" + what, body)
        if status != 200:
            raise SystemExit("Bail out! %s %s: %s" % (what, status, answer))
        return answer

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def expected(query, *options, index="notes.qidx"):
    found = json.loads(quern("search", "-q", "--json", *options, index, query).stdout)
    for hit in found["hits"]:
        del hit["best"]
    return found["hits"]


def test_searches(server):
    for options, more in (([], {}), (["--hybrid"], {"hybrid": True}), (["-k", "2"], {"k": 2})):
        found = server.search("red apple", index="notes", **more)
        hits = expected("red apple", *options)
        check("a search finds what quern search finds %s" % options, found["hits"] == hits, (found, hits))
    check("it is certified", found["certified"] is True and found["rescored"] > 0 and found["index"] == "notes", found)
    least = found["hits"][0]["score"] - 1e-5
    check("hits below the least score are left out", len(server.search("red apple", least=least)["hits"]) == 1)
    check("the least score may be an integer", server.search("red apple", least=2)["hits"] == [])
    for options, path in ((["--path", "fruit.txt"], "fruit.txt"), (["--path", "notes"], ["notes"]),
                          (["--path", "*.md", "--path", "off*", "--hybrid"], ["*.md", "off*"])):
        found = server.search("red apple", filter={"path": path}, hybrid="--hybrid" in options)["hits"]
        check("a filter finds in the files that are named %s" % path, found == expected("red apple", *options), found)
    fruit, office = (hit["id"] for hit in expected("red apple, tax office", "--path", "fruit.txt", "--path", "office.txt"))
    for given, ids in (([fruit], [fruit]), ([office, fruit], sorted([fruit, office])), ([], []), (["x"], []),
                       ([fruit.split("#")[0]], [fruit])):
        for hybrid in (False, True):
            found = server.search("red apple", filter={"ids": given}, hybrid=hybrid)["hits"]
            check("a filter finds %d ids" % len(given), sorted(hit["id"] for hit in found) == ids, found)
    found = server.search(["red apple", "tax office"], filter={"ids": [fruit, office], "path": "off*"})["results"]
    check("it may ask for both", [[hit["id"] for hit in result["hits"]] for result in found] == [[office]] * 2, found)
    several = server.search(["red apple", "tax office"])
    check("several queries have a result each", [result["hits"] for result in several["results"]] ==
          [expected("red apple"), expected("tax office")], several)
    check("so has a list of one", len(server.search(["red apple"])["results"]) == 1)
    check("an index without a name is called as its file, and one with a name as said",
          server.search("x", index="other")["hits"] == expected("x", index="b.qidx"))


def test_refusals(server):
    for body, param in (({}, "query"), ({"query": 1}, "query"), ({"query": ""}, "empty"), ({"query": []}, "query"),
                        ({"query": ["a", 1]}, "query"), ({"query": ["a"] * 65}, "64"), ({"query": "a", "k": 0}, "k must"),
                        ({"query": "a", "k": 101}, "k must"), ({"query": "a", "k": 1.5}, "k must"),
                        ({"query": "a", "index": "nowhere"}, "index"), ({"query": "a", "index": 1}, "index"),
                        ({"query": "a", "least": "x"}, "least"), ({"query": "a", "hybrid": 1}, "hybrid"),
                        ({"query": "a", "hybrid": True, "least": 0.5}, "least"),
                        ({"query": "a", "filter": 1}, "filter must"), ({"query": "a", "filter": {}}, "filter must"),
                        ({"query": "a", "filter": {"paths": "x"}}, "filter must"),
                        ({"query": "a", "filter": []}, "filter must"), ({"query": "a", "filter": {"path": 1}}, "path must"),
                        ({"query": "a", "filter": {"path": ""}}, "path must"),
                        ({"query": "a", "filter": {"path": ["x", None]}}, "path must"),
                        ({"query": "a", "filter": {"path": ["x"] * 65}}, "64 patterns"),
                        ({"query": "a", "filter": {"path": "x" * 5000}}, "path must"),
                        ({"query": "a", "filter": {"ids": "x"}}, "ids must"), ({"query": "a", "filter": {"ids": {}}}, "ids"),
                        ({"query": "a", "filter": {"ids": ["x", ""]}}, "ids must"),
                        ({"query": "a", "filter": {"ids": ["x", -1]}}, "ids must"),
                        ({"query": "a", "filter": {"ids": ["x", 1.5]}}, "ids must"),
                        ({"query": "a", "filter": {"ids": ["x" * 5000]}}, "ids must"),
                        ({"query": "a", "filter": {"ids": [7]}}, "are texts"),
                        ({"query": "a", "index": "wide"}, "dimensions"), ({"query": "a", "index": "foreign"}, "space")):
        status, answer = server.ask("POST", "/search", body)
        check("it refuses %.60s" % body, status == 400 and param in answer["error"], (status, answer))
    check("GET is not for /search", server.ask("GET", "/search")[0] == 405)
    status, answer = server.ask("POST", "/search", b'{"query": "a", "least": 0.' + b"0" * 80 + b"1}")
    check("a very long number is refused", status == 400 and "least" in answer["error"], answer)


def test_changes(server):
    before = server.ask("GET", "/index")[1]["indexes"]
    check("the indexes are listed", [(index["name"], index["rows"]) for index in before] ==
          [("notes", 3), ("other", 1), ("wide", 1), ("foreign", 1)], before)
    check("with what they are", before[0]["dtype"] == "f32" and before[0]["space"].startswith("%dn-" %
          before[0]["dimensions"]) and before[0]["bytes"] == os.path.getsize("notes.qidx"), before)
    write("notes/zebra.md", "# Zebras\n\nZebras have stripes.")
    quern("index", "-q", "-o", "notes.qidx")
    check("what is added is found", server.search("zebras", hybrid=True)["hits"][0]["title"] == "Zebras")
    quern("index", "-q", "--force", "notes", "-o", "notes.qidx")
    check("and so is what stands in a new file", server.search("zebras")["hits"] == expected("zebras"))
    os.rename("notes.qidx", "away.qidx")
    status, answer = server.ask("POST", "/search", {"query": "a"})
    check("an index that is gone is an error that may end", status == 503 and "notes.qidx" in server.said(), answer)
    check("it is listed as one", server.ask("GET", "/index")[1]["indexes"][0] ==
          {"name": "notes", "status": "unreadable"})
    write("notes.qidx", "no index")
    check("so is a damaged one", server.ask("POST", "/search", {"query": "a"})[0] == 503)
    os.rename("away.qidx", "notes.qidx")
    check("and both end", len(server.search("a")["hits"]) == 4)


def test_load(server):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda i: server.search("text %d" % (i % 7), hybrid=i % 2 == 0), range(200)))
    check("many searches at once are right", all(found[i]["hits"] == found[i + 14]["hits"] for i in range(186)))
    body = json.dumps({"query": ["words %d" % i for i in range(64)], "hybrid": True}).encode()
    for _ in range(50):
        with socket.create_connection(server.address) as client:
            client.sendall(b"POST /search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    check("clients that leave do no harm", len(server.search("a")["hits"]) == 4)
    metrics = server.ask("GET", "/metrics")[1]
    check("searches are counted", int(re.search(r"quern_search_duration_count (\d+)", metrics)[1]) > 200, metrics)


def import_numbers():
    """An index whose ids are numbers, with the vectors of the tiny model."""
    write("lines.txt", "a\nb\nc\n")
    quern("embed", "-q", "-t", "document", "-i", "lines.txt", "-o", "lines.npy")
    quern("index", "import", "lines.npy", "-o", "numbers.qidx")


def ids(found):
    return sorted(hit["id"] for hit in found["hits"])


def test_adding(server):
    made = server.ask("GET", "/index")[1]["indexes"][0]
    check("a missing index is made for the first model", made["rows"] == 0 and made["writable"] and os.path.exists("new.qidx"),
          made)
    check("and can be searched", server.search("a")["hits"] == [])
    long = "".join("# Part %d\n\n%s\n\n" % (i, "Roots take water from the soil. " * 8) for i in range(20))
    answer = server.change("add", texts=["The tax office closes at noon.", {"text": long, "id": "long", "title": "Parts"}])
    check("texts become passages", [text["passages"] for text in answer["texts"]] ==
          [1, answer["rows"] - 1] and answer["rows"] > 5 and answer["texts"][1]["id"] == "long", answer)
    write("same/long.md", long)
    quern("index", "-q", "same", "-o", "same.qidx")
    found, same = server.search("water", k=100)["hits"], expected("water", "-k", "100", index="same.qidx")
    check("they are cut as those of files are", sorted(hit["text"] for hit in found if hit["path"] == "long") ==
          sorted(hit["text"] for hit in same), (found, same))
    quern("index", "-q", "--remove", "same", "-o", "same.qidx")
    name = answer["texts"][0]["id"]
    hit = server.search("tax office", filter={"ids": [name]})["hits"]
    check("a text without an id gets one", ids({"hits": hit}) == [name + "#0"] and name.startswith("text:"), hit)
    again = server.change("add", texts="The tax office closes at noon.")
    check("the same text again replaces it", again == {"index": "new", "texts": [{"id": name, "passages": 1}],
                                                        "passages": 1, "rows": answer["rows"]}, again)
    shorter = server.change("add", texts=[{"id": "long", "text": "Now short: red apple."}])
    check("an id again replaces all that it had", shorter["rows"] == 2, shorter)
    check("and is found with its new text", ids(server.search("red apple")) == ["long#0", name + "#0"])
    with open("notes/fruit.txt", encoding="utf-8") as file:
        server.change("add", texts=[{"id": "fruit", "text": file.read(), "title": "fruit.txt"}])
    score = server.search("red apple", filter={"ids": ["fruit"]})["hits"][0]["score"]
    check("vectors are those of quern index", score == expected("red apple", "--path", "fruit.txt")[0]["score"], score)
    check("what the server adds, quern search finds", expected("red apple", index="new.qidx") ==
          server.search("red apple")["hits"])


def test_passages(server):
    answer = server.change("add", passages=[{"id": "p", "text": "A green pear."}, {"id": "q#7", "text": "# A\n\nb " * 50,
                                                                                 "title": "T"}])
    found = {hit["id"]: hit for hit in server.search("pear", k=100)["hits"]}
    check("passages become rows as they are", answer["passages"] == 2 and found["p"]["text"] == "A green pear." and
          found["p"]["path"] == "p" and found["q#7"]["title"] == "T" and found["q#7"]["last_line"] == 101, (answer, found))
    again = server.change("add", passages=[{"id": "p", "text": "A red apple."}, {"id": "p", "text": "Zebras."}])
    before = server.change("add", passages=[{"id": "gap", "text": "A gap."}])["rows"]
    quern("index", "compact", "new.qidx")
    after = server.change("add", passages=[{"id": "gap", "text": "Another gap."}])["rows"]
    check("an index that was replaced between two changes is read anew", after == before, (before, after))
    check("and whole", server.change("remove", ids=["gap"])["rows"] == again["rows"])
    check("an id again replaces its row", again["rows"] == answer["rows"], again)
    check("the last one counts", server.search("x", filter={"ids": ["p"]})["hits"][0]["text"] == "Zebras.")
    check("they can be removed", server.change("remove", ids=["p", "q"])["removed"] == 2)
    answer = server.change("add", index="numbers", passages=[{"id": 2**63 - 1, "text": "The tax office."},
                                                             {"id": 1, "text": "A pear.", "title": "Pears"}])
    found = {hit["id"]: hit for hit in server.search("pear", index="numbers", hybrid=True)["hits"]}
    check("where ids are numbers, too", answer == {"index": "numbers", "passages": 2, "rows": 4} and
          found[1]["title"] == "Pears" and "path" not in found[1] and found[2**63 - 1]["text"] == "The tax office.",
          (answer, found))
    check("quern search finds them", [hit["id"] for hit in expected("pear", "-k", "1", index="numbers.qidx")] ==
          [hit["id"] for hit in server.search("pear", index="numbers", k=1)["hits"]])
    many = [{"id": "m%d" % i, "text": "Passage %d." % i} for i in range(2048)]
    check("there may be many", server.change("add", passages=many)["passages"] == 2048)
    check("all of them are there", server.change("remove", ids=[one["id"] for one in many])["removed"] == 2048)


def test_removing(server):
    server.change("add", texts=[{"id": "x", "text": "One."}, {"id": "y#z", "text": "Two."}])
    rows = server.ask("GET", "/index")[1]["indexes"][0]["rows"]
    answer = server.change("remove", ids=["x", "nowhere", "fruit#0"])
    check("texts and passages are removed", answer == {"index": "new", "removed": 2, "rows": rows - 2}, answer)
    check("they are found no more", not {"x#0", "fruit#0"} & set(ids(server.search("one red apple", k=100))))
    check("nothing is removed for no id", server.change("remove", ids=[])["rows"] == rows - 2)
    check("an id may have a '#'", server.change("remove", ids=["y#z"])["removed"] == 1)
    path = expected("red apple", "--path", "office.txt", index="files.qidx")[0]["path"]
    check("a file's passages can be removed", server.change("remove", index="files", ids=[path])["removed"] == 1)
    quern("index", "-q", "-o", "files.qidx")
    write("notes/office.txt", "The tax office is closed.")
    quern("index", "-q", "-o", "files.qidx")
    found = server.search("tax office", index="files", filter={"path": "office.txt"})["hits"]
    check("and come back when the file has changed", [hit["text"] for hit in found] == ["The tax office is closed."], found)
    server.change("add", index="files", texts=[{"id": "kept", "text": "Kept."}])
    write("notes/office.txt", "The tax office is open.")
    quern("index", "-q", "-o", "files.qidx")
    check("quern index keeps what the server has added", ids(server.search("kept", index="files", filter={"ids": ["kept"]})) ==
          ["kept#0"])


def test_bad_changes(server):
    rows = server.ask("GET", "/index")[1]["indexes"]
    good = {"id": "a", "text": "good"}
    for body in ({}, {"texts": None}, {"texts": []}, {"texts": 5}, {"texts": {}}, {"texts": {"text": "a"}}, {"texts": [5]},
                 {"texts": [good, {}]}, {"texts": [good, {"text": 5}]}, {"texts": [""]}, {"texts": [" \n\t"]},
                 {"texts": [["a"]]}, {"texts": ["a"] * 257}, {"texts": [good, good]}, {"texts": [{"text": "a", "title": 5}]},
                 {"texts": ["a b " * 300000]}, {"text": "a"}, {"passages": "a"}, {"passages": ["a"]}, {"passages": [{}]},
                 {"passages": [{"text": "a"}]}, {"passages": [{"text": "a", "id": 5}]}, {"passages": [{"id": "a"}]},
                 {"passages": [{"text": "a", "id": "x" * 5000}]}, {"passages": [{"text": "a", "id": ""}]},
                 {"passages": [good] * 2049}, {"passages": [good], "texts": ["a"]}, {"passages": [{"text": " ", "id": "a"}]},
                 {"passages": [good], "index": "numbers"}, {"passages": [{"text": "a", "id": -1}], "index": "numbers"}, {"texts": ["a"], "index": "nowhere"},
                 {"texts": ["a"], "index": "numbers"}, {"texts": ["a"], "index": "foreign"}, {"texts": ["a"], "index": 5},
                 *({"texts": [{"text": "a", "id": name}]} for name in ("", "/etc/passwd", "a#0", "a\0", "x" * 5000, 5, [], {}))):
        status, answer = server.ask("POST", "/index/add", body)
        check("add refuses %.60s" % body, status in (400, 413) and re.search("text|id|index|passages", answer["error"]),
              (status, answer))
    for body in ({}, {"ids": "a"}, {"ids": [None]}, {"ids": [""]}, {"ids": [-1]}, {"ids": [1.5]}, {"ids": {"a": 1}},
                 {"ids": [5]}, {"ids": ["a"], "index": "numbers"}, {"ids": ["a"] * 65537}, {"ids": ["x" * 5000]},
                 {"id": "a"}):
        status, answer = server.ask("POST", "/index/remove", body)
        check("remove refuses %.60s" % body, status == 400 and "ids" in answer["error"], (status, answer))
    for body in (b"", b"[]", b"{", b'{"texts": ["\xff"]}', b'{"texts":' + b"[" * 20, b"\0" * 9):
        for what in ("add", "remove"):
            status, answer = server.ask("POST", "/index/" + what, body)
            check("%s refuses %.20r" % (what, body), status == 400 and "body" in answer["error"], (status, answer))
    check("GET is not for them", server.ask("GET", "/index/add")[0] == 405 and server.ask("DELETE", "/index/remove")[0] == 405)
    check("what was refused has changed nothing", server.ask("GET", "/index")[1]["indexes"] == rows)
    for text in ("\0a\0", "\ud83d\ude42", "\u202e\x1b[31m a", "a" * 100000, "#\n" * 5000, "\r\n".join("word" * 50)):
        server.change("add", texts=[{"id": "odd", "text": text, "title": text[:500]}])
    check("odd texts are added", server.change("remove", ids=["odd"])["removed"] > 0)
    name = "\u00e9\n\"\x7f" * 9
    server.change("add", texts=[{"id": name, "text": "odd"}])
    check("odd ids are ids", server.change("remove", ids=[name])["removed"] == 1)
    check("numbers are ids where the index has numbers", server.change("remove", index="numbers", ids=[1, 7, 2**63 - 1])["removed"] == 2)
    with open("new.qidx", "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status, answer = server.ask("POST", "/index/add", {"texts": ["a"]})
        check("another program that writes is waited for by the client", status == 503 and "another program" in
              answer["error"], answer)
        check("searches go on meanwhile", len(server.search("a")["hits"]) > 0)


def test_changes_at_once(server):
    def work(i):
        if i % 3 == 2:
            return server.search("text %d" % i, hybrid=i % 2 == 0, filter={"path": "note*"})["certified"]
        server.change("add", texts=[{"id": "note %d" % (i % 20), "text": "This is text %d. " % i * (1 + i % 60)}])
        return server.change("remove", ids=["note %d" % ((i + 7) % 20)])["removed"] >= 0
    before = set(ids(server.search("a", k=100)))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        check("changes and searches at once are answered", all(pool.map(work, range(300))))
    body = json.dumps({"texts": ["Never read. " * 5000]}).encode()
    for _ in range(20):
        with socket.create_connection(server.address) as client:
            client.sendall(b"POST /index/add HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s" %
                           (len(body), body))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.change("remove", ids=["note %d" % i for i in range(20)] + [name.split("#")[0] for name in
                                                                      ids(server.search("never", k=100)) if name not in before])
    check("and leave what they should", set(ids(server.search("a", k=100))) >= before)
    quern("index", "check", "new.qidx")
    metrics = server.ask("GET", "/metrics")[1]
    check("changes are counted", int(re.search(r"quern_index_change_duration_count (\d+)", metrics)[1]) > 300, metrics)


def test_kill(server):
    """A server that is killed while it changes an index leaves one that is whole."""
    def add(i):
        try:
            server.ask("POST", "/index/add", {"texts": [{"id": "kill %d" % i, "text": "Text %d. " % i * 300}]})
        except OSError:
            pass
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = [pool.submit(add, i) for i in range(400)]
        time.sleep(0.4)
        server.process.kill()
        for one in done:
            one.result()
    server.process.wait()
    check("a killed server leaves a whole index", "is whole" in quern("index", "check", "new.qidx").stdout)
    server = writable("--index", "new.qidx")
    check("it can be changed again", server.change("add", texts=["After all."])["rows"] > 0)
    check("the server ends well", server.end() == 0, server.said())


def test_models():
    """With several models, the index says which one is meant."""
    shutil.copy("wide.gguf", "moved.gguf")
    quern("index", "-q", "-m", "foreign.gguf", "notes", "-o", "notes-foreign.qidx")
    shutil.copy("foreign.gguf", "elsewhere.gguf")
    os.rename("foreign.gguf", "gone.gguf")
    os.rename("wide.gguf", "gone-wide.gguf")
    subprocess.run([MKMODEL, "tiny", "other.gguf", "--head", "--seed", "9"], check=True)
    indexes = ("notes.qidx", "wide.qidx", "notes-foreign.qidx", "numbers.qidx")
    server = writable("-m", "tiny=tiny.gguf", "-m", "other=other.gguf", "-m", "moved.gguf", "-m", "elsewhere.gguf",
                      *(option for index in indexes for option in ("--index", index)))
    for index, model in (("wide", "moved"), ("notes-foreign", "elsewhere"), ("notes", "tiny"), ("numbers", "tiny"),
                         ("notes-foreign", "elsewhere"), ("wide", "moved")):
        found = server.search(["one text", "red apple"], index=index)
        check("an index of the model %s finds it" % model, found["model"] == model and found["results"][0]["hits"], found)
    for name, known in (("other", 1), ("elsewhere", 1), ("moved", 1)):
        loads = int(re.search(r'quern_model_loads_total{model="%s"} (\d+)' % name, server.ask("GET", "/metrics")[1])[1])
        check("the model %s is loaded once" % name, loads == known, loads)
    found = server.search("red apple", index="notes-foreign", hybrid=True, filter={"path": "fruit.txt"})["hits"]
    check("all of the request is meant for it", [hit["text"] for hit in found] == ["A red apple, a green pear."], found)
    server.change("add", index="notes-foreign", texts=[{"id": "new", "text": "Zebras have stripes."}])
    found = server.search("zebras", index="notes-foreign", hybrid=True, k=100)["hits"]
    check("also when texts are added", "new#0" in [hit["id"] for hit in found[:2]], found)
    status, answer = server.ask("POST", "/search", {"query": "a", "index": "notes-foreign", "model": "tiny"})
    check("a model that is named is taken", status == 400 and "space" in answer["error"], answer)
    server.end()
    server = Server("-m", "tiny=tiny.gguf", "-m", "other=other.gguf", "--index", "wide.qidx", "--index", "notes-foreign.qidx")
    for index in ("wide", "notes-foreign", "notes-foreign"):
        status, answer = server.ask("POST", "/search", {"query": "a", "index": index})
        check("an index of no model here says so", status == 400 and "no model" in answer["error"] and "space" in
              answer["error"], answer)
    server.end()
    os.rename("gone.gguf", "foreign.gguf")


def test_full_disk():
    """A file that may not grow is like a full disk. What could not be added leaves room for other changes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300000, before[1]))
    server = writable("--index", "full.qidx")
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    server.change("add", texts=[{"id": "first", "text": "Roots take water from the soil."}])
    size = os.path.getsize("full.qidx")
    much = [{"id": "much %d" % i, "text": "A red apple. " * 300} for i in range(100)]
    for _ in range(3):
        status, answer = server.ask("POST", "/index/add", {"passages": much})
        check("a full disk is an error", status == 503 and "the disk is full" in answer["error"], answer)
        check("the log names it", "full.qidx: File too large" in server.said(), server.said())
        check("what was not added takes no room", os.path.getsize("full.qidx") == size, os.path.getsize("full.qidx"))
    check("there is room for less", server.change("add", passages=much[:10])["rows"] == 11)
    check("and for removing", server.change("remove", ids=["first"])["removed"] == 1)
    check("what was added is found", len(ids(server.search("apple", k=100))) == 10)
    check("the server ends well", server.end() == 0, server.said())
    quern("index", "check", "full.qidx")


def test_permissions():
    server = writable("--index", "notes.qidx", "--api-key-file", "keys")
    for what, body in (("add", {"texts": ["a"]}), ("remove", {"ids": ["a"]})):
        check("to %s needs the key" % what, server.ask("POST", "/index/" + what, body)[0] == 401)
        check("with it it is done", server.ask("POST", "/index/" + what, body, Authorization="Bearer one-key")[0] == 200)
        status, answer = server.ask("POST", "/index/" + what, body, Authorization="Bearer one-key", Origin="http://a.example")
        check("pages of others cannot %s" % what, status == 403, answer)
    server.end()
    server = Server("--index", "notes.qidx", "--max-body", "1000")
    for what, body in (("add", {"texts": ["a"]}), ("remove", {"ids": ["a"]})):
        status, answer = server.ask("POST", "/index/" + what, body)
        check("a server that may not %s says so" % what, status == 403 and "--index-writable" in answer["error"], answer)
        check("a large body is refused", server.ask("POST", "/index/" + what, {**body, "x": "x" * 2000})[0] == 413)
    check("the list says so, too", server.ask("GET", "/index")[1]["indexes"][0]["writable"] is False)
    server.end()
    server = Server()
    check("a server without indexes says so when one is changed", server.ask("POST", "/index/add", {"texts": ["a"]})[0] == 404)
    server.end()
    done = quern("serve", "--index-writable", code=2)
    check("--index-writable needs an index", "--index" in done.stderr, done.stderr)


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ["QUERN_MODEL"] = work + "/tiny.gguf"
        os.environ["XDG_CACHE_HOME"] = work + "/cache"
        for name, arguments in (("tiny", ["--head"]), ("foreign", ["--head", "--seed", "5"])):
            subprocess.run([MKMODEL, "tiny", name + ".gguf", *arguments], check=True)
        subprocess.run([MKMODEL, "wide", "wide.gguf"], check=True)
        write("notes/plants.md", "# Plants\n\nRoots take water from the soil.\n")
        write("notes/fruit.txt", "A red apple, a green pear.")
        write("notes/office.txt", "The tax office closes at noon.")
        write("b/one.txt", "One text.")
        quern("index", "-q", "notes", "-o", "notes.qidx")
        quern("index", "-q", "b", "-o", "b.qidx")
        quern("index", "-q", "-m", "wide.gguf", "b", "-o", "wide.qidx")
        quern("index", "-q", "-m", "foreign.gguf", "b", "-o", "foreign.qidx")

        for options, code in ((["--index", "nowhere.qidx"], 1), (["--index", "tiny.gguf"], 1),
                              (["--index", "notes.qidx", "--index", "notes=b.qidx"], 2),
                              (["--index", "x" * 300 + "=b.qidx"], 2)):
            done = quern("serve", "--port", "0", *options, code=code)
            check("serve refuses %.60s" % options, done.stderr != "")
        server = Server("--cache", "1M", "--index", "notes.qidx", "--index", "other=b.qidx", "--index", "wide.qidx",
                        "--index", "foreign.qidx")
        test_searches(server)
        test_refusals(server)
        test_changes(server)
        test_load(server)
        check("the server ends well", server.end() == 0, server.said())

        write("keys", "one-key\n")
        os.chmod("keys", 0o600)
        server = Server("--index", "notes.qidx", "--api-key-file", "keys")
        check("searches and the list need the key", server.ask("POST", "/search", {"query": "a"})[0] == 401 and
              server.ask("GET", "/index")[0] == 401)
        check("with it they are answered", server.ask("GET", "/index", Authorization="Bearer one-key")[0] == 200)
        server.end()
        quern("index", "-q", "notes", "-o", "files.qidx")
        import_numbers()
        server = writable("--index", "new.qidx", "--index", "files.qidx", "--index", "numbers.qidx", "--index",
                          "foreign.qidx")
        test_adding(server)
        test_passages(server)
        test_removing(server)
        test_bad_changes(server)
        test_changes_at_once(server)
        test_kill(server)
        test_full_disk()
        test_permissions()
        test_models()
        server = Server()
        check("a server without indexes says so", server.ask("POST", "/search", {"query": "a"})[0] == 404 and
              server.ask("GET", "/index") == (200, {"indexes": []}))
        server.end()
    return end()


if __name__ == "__main__":
    sys.exit(main())
