#!/usr/bin/env python3
"""Search in a server's indexes, from end to end. Speaks TAP. usage: test_serve_index.py QUERN MKMODEL"""
import atexit
import concurrent.futures
import http.client
import json
import os
import re
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
        server = Server()
        check("a server without indexes says so", server.ask("POST", "/search", {"query": "a"})[0] == 404 and
              server.ask("GET", "/index") == (200, {"indexes": []}))
        server.end()
    return end()


if __name__ == "__main__":
    sys.exit(main())
