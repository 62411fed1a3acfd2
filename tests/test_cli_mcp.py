#!/usr/bin/env python3
"""quern mcp from end to end, by scripted messages. Speaks TAP. usage: test_cli_mcp.py QUERN MKMODEL"""
import json
import os
import subprocess
import sys
import tempfile
import threading

from scripted_checks import MKMODEL, QUERN, check, end, quern


class Server:
    """A server that is talked to."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([QUERN, "mcp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.timer = threading.Timer(100, self.process.kill)
        self.timer.start()
        self.id = 0
        self.others = []  # messages that were no answer to the last request

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def next(self):
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            raise SystemExit("Bail out! the server has ended: %s" % self.process.stderr.read())
        return json.loads(line)

    def begin(self, method, **params):
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
        return self.id

    def answer(self, id):
        while (message := self.next()).get("id") != id:
            self.others.append(message)
        return message

    def ask(self, method, **params):
        return self.answer(self.begin(method, **params))

    def call(self, tool, **arguments):
        """The object that a tool returns; a string when it fails."""
        result = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        text = result["content"][0]["text"]
        if result["isError"]:
            return text
        assert json.loads(text) == result["structuredContent"]
        return result["structuredContent"]

    def end(self):
        """What was said on standard error, and the exit code, after the input has ended."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        said = self.process.stderr.read().decode()
        self.timer.cancel()
        return rest, said, self.process.wait()


def write(path, text):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def texts(found):
    return [hit["text"] for hit in found["hits"]]


def test_misuse():
    for arguments in (["mcp"], ["mcp", "--index", "x", "y"], ["mcp", "--index", "x", "--read-only", "--allow", "."]):
        done = quern(*arguments, code=2)
        check("%s is misuse" % " ".join(arguments), "--help" in done.stderr and done.stdout == "", done.stderr)
    done = quern("mcp", "--index", "nowhere.qidx", "--read-only", code=1)
    check("a missing index is named", "nowhere.qidx" in done.stderr, done.stderr)
    done = quern("mcp", "--index", "notes/plants.md", code=1)
    check("a file that is no index is named", "plants.md" in done.stderr, done.stderr)


def test_search(server):
    answer = server.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t"})
    check("it agrees on a version", answer["result"]["protocolVersion"] == "2025-06-18", answer)
    server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    names = [tool["name"] for tool in server.ask("tools/list")["result"]["tools"]]
    check("it lists its tools", names == ["search", "embed", "add"], names)

    for options, given in (([], {}), (["--hybrid"], {"hybrid": True}), (["-k", "2"], {"limit": 2}),
                           (["--path", "fr*.txt"], {"path": "fr*.txt"})):
        expected = json.loads(quern("search", "-q", "--json", *options, "notes.qidx", "red apple").stdout)
        for hit in expected["hits"]:
            del hit["best"]
        found = server.call("search", query="red apple", **given)
        check("search finds what quern search finds %s" % options,
              found["hits"] == expected["hits"] and found["certified"] is True, (found, expected))
    for arguments, said in (({}, "query must be a string; it is missing"), ({"query": ""}, "query must not be empty"),
                            ({"query": 5}, "query must be a string"), ({"query": "a", "limit": 0}, "limit must be"),
                            ({"query": "a", "limit": "x"}, "limit must"),
                            ({"query": "a", "limit": 101}, "limit must be"), ({"query": "a", "hybrid": 1}, "hybrid must"),
                            ({"query": "a", "path": ["x"]}, "path must")):
        failure = server.call("search", **arguments)
        check("search refuses %s" % arguments, isinstance(failure, str) and said in failure, failure)
    found = server.call("search", query="\0 \ud83d\ude42 " + "word " * 20000, hybrid=None, limit=None)
    check("a very long query is cut", len(found["hits"]) == 3, found)


def test_embed(server):
    expected = [json.loads(line) for line in quern("embed", "-q", "-t", "query", "-f", "jsonl", "a", "b").stdout.splitlines()]
    made = server.call("embed", texts=["a", "b"], task="query")
    check("embed makes the vectors of quern embed", made["vectors"] == [item["embedding"] for item in expected],
          (made, expected))
    check("embed says the space", made["dimensions"] == len(made["vectors"][0]) and made["space"].startswith("%dn-" %
          made["dimensions"]), made["space"])
    for arguments, said in (({}, "texts must be"), ({"texts": []}, "texts must be"), ({"texts": "a"}, "texts must be"),
                            ({"texts": ["a", 1]}, "must be a string"), ({"texts": ["a"] * 257}, "1 to 256"),
                            ({"texts": ["a"], "task": "x"}, "task must be"), ({"texts": ["a"], "task": 1}, "task must")):
        failure = server.call("embed", **arguments)
        check("embed refuses %.40s" % arguments, isinstance(failure, str) and said in failure, failure)


def test_add(server):
    added = server.call("add", text="# Zebras\n\nZebras have stripes.", title="Animals")
    check("a text is added", added["passages"] == 1 and added["id"].startswith("text:"), added)
    hits = server.call("search", query="zebras", hybrid=True)["hits"]
    check("and found", hits[0]["path"] == added["id"] and hits[0]["title"] == "Animals" and hits[0]["line"] == 1, hits)
    again = server.call("add", text="# Zebras\n\nZebras have stripes.", title="Animals")
    check("the same text replaces itself", again == added and len(server.call("search", query="zebras")["hits"]) == 4,
          again)
    long = "\n\n".join("Line %d of a long text has some words more." % i for i in range(200))
    added = server.call("add", text=long)
    check("a long text has several passages", added["passages"] > 3, added)
    check("and all of them are there", len(server.call("search", query="words", limit=100)["hits"]) ==
          4 + added["passages"])
    quern("index", "-q", "-o", "notes.qidx")
    check("quern index keeps added texts", server.call("search", query="zebras", hybrid=True)["hits"][0]["title"] ==
          "Animals")

    write("notes/new.md", "# Bread\n\nBake the bread.")
    done = server.call("add", path="notes/new.md")
    check("a file of the indexed folder is added", done["new"] == 1 and done["failed"] == 0 and done["notices"] == [], done)
    check("and found", "Bake the bread." in server.call("search", query="bread", hybrid=True)["hits"][0]["text"])
    write("more/one.md", "# Boats\n\nBoats float.")
    os.symlink("/etc", "notes/etc")
    for path, said in (("more", "outside of what may be added"), ("/etc/passwd", "outside"), ("notes/etc/passwd", "outside"),
                       ("notes\0/x", "no NUL byte"), ("", "must not be empty"),
                       ("notes/../more", "outside"), ("nowhere", "cannot read nowhere")):
        failure = server.call("add", path=path)
        check("add refuses %r" % path, isinstance(failure, str) and said in failure, failure)
    for arguments, said in (({}, "either text or path"), ({"text": "a", "path": "b"}, "either text or path"),
                            ({"text": 1}, "text must be a string"), ({"path": 1}, "path must be a string"),
                            ({"text": "a", "title": 1}, "title must be"), ({"path": "notes", "title": "a"}, "title must"),
                            ({"text": " \n"}, "the text is empty")):
        failure = server.call("add", **arguments)
        check("add refuses %s" % arguments, isinstance(failure, str) and said in failure, failure)


def test_others_write(server):
    write("notes/other.md", "# Trains\n\nTrains run on rails.")
    quern("index", "-q", "notes", "-o", "notes.qidx")
    check("what another process has added is found",
          "Trains run" in server.call("search", query="trains", hybrid=True)["hits"][0]["text"])
    os.remove("notes/other.md")
    quern("index", "-q", "notes", "-o", "notes.qidx")
    check("and no more when it is gone",
          not any("Trains run" in text for text in texts(server.call("search", query="trains", hybrid=True, limit=100))))
    quern("index", "-q", "--force", "-m", "other.gguf", "notes", "-o", "notes.qidx")
    failure = server.call("search", query="trains")
    check("an index of another model is refused", isinstance(failure, str) and "space" in failure, failure)
    failure = server.call("add", text="some words")
    check("and so is a text for it", isinstance(failure, str) and "another model" in failure, failure)
    os.remove("notes.qidx")
    check("an index that is gone has no hits", server.call("search", query="trains")["hits"] == [])


def test_lines(server):
    server.send_bytes(b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"' + b"y" * (17 << 20) + b'"}\n')
    answer = server.next()
    check("a huge line is refused", answer["error"]["code"] == -32600 and answer["id"] is None, answer)
    server.send_bytes(b"\xff\xfe\0\n\n  \r\n{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\r\n")
    answers = [server.next(), server.next()]
    check("what is no JSON is refused, and the next line is read", answers[0]["error"]["code"] == -32700 and
          answers[1] == {"jsonrpc": "2.0", "id": "p", "result": {}}, answers)
    calls = [server.begin("tools/call", name="search", arguments={"query": "word %d" % i}) for i in range(300)]
    found = sorted(server.next()["id"] for _ in calls)
    check("many calls at once are all answered", found == calls)


def test_cancel():
    """A call that waits behind another one is cancelled; one that runs ends early."""
    for i in range(40):
        write("big/%d.txt" % i, "\n\n".join("Text %d has a line %d with words." % (i, k) for k in range(1500)))
    server = Server("--index", "big.qidx", "--allow", "big", "-m", "full.gguf")
    run = server.begin("tools/call", name="add", arguments={"path": "big"}, _meta={"progressToken": "p"})
    waiting = server.begin("tools/call", name="search", arguments={"query": "a"})
    check("a ping is answered while a tool runs", server.ask("ping")["result"] == {})
    while "method" not in (message := server.next()):
        pass
    check("progress is told", message["params"]["progressToken"] == "p" and message["params"]["total"] > 0, message)
    for id in (waiting, run, "nobody"):
        server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
    server.others = []
    found = server.call("search", query="text")
    ids = [message["id"] for message in server.others if "id" in message]
    check("calls that were cancelled are not answered", ids == [], ids)
    check("what was added before is there", isinstance(found, dict), found)
    rest, said, code = server.end()
    check("it ends well", (rest, code) == (b"", 0), (rest, said, code))


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        os.environ["QUERN_MODEL"] = work + "/tiny.gguf"
        os.environ["XDG_CACHE_HOME"] = work + "/cache"
        subprocess.run([MKMODEL, "tiny", "tiny.gguf", "--head"], check=True)
        subprocess.run([MKMODEL, "tiny", "other.gguf", "--head", "--seed", "5"], check=True)
        subprocess.run([MKMODEL, "wide", "full.gguf"], check=True)
        write("notes/plants.md", "# Plants\n\nRoots take water from the soil.\n")
        write("notes/fruit.txt", "A red apple, a green pear.")
        write("notes/office.txt", "The tax office closes at noon.")
        quern("index", "-q", "notes", "-o", "notes.qidx")
        test_misuse()
        server = Server("--index", "notes.qidx")
        test_search(server)
        test_embed(server)
        test_add(server)
        test_others_write(server)
        test_lines(server)
        rest, said, code = server.end()
        check("it ends with its input, and says nothing", (rest, said, code) == (b"", "", 0), (rest, said, code))

        server = Server("--index", "made.qidx", "--allow", "more")
        check("without an index nothing is found", server.call("search", query="a") == {"hits": [], "certified": True})
        server.call("add", text="Zebras have stripes.")
        check("the first text makes it", texts(server.call("search", query="a")) == ["Zebras have stripes."])
        write("secret.txt", "The secret of the garden.")
        os.symlink(work + "/secret.txt", "more/leads-out.md")
        os.symlink("one.md", "more/leads-inside.md")
        done = server.call("add", path=work + "/more")
        check("a link that leads out is not read", done["failed"] == 1 and "leads-out.md: it is a link that leads out" in
              done["notices"][0], done)
        check("a folder that is allowed is added", isinstance(done, dict) and done["new"] == 1, done)
        check("beside the text", len(server.call("search", query="a")["hits"]) == 2)
        server.end()

        server = Server("--index", "made.qidx", "--read-only")
        names = [tool["name"] for tool in server.ask("tools/list")["result"]["tools"]]
        answer = server.ask("tools/call", name="add", arguments={"text": "a"})
        check("--read-only has no tool add", names == ["search", "embed"] and answer["error"]["code"] == -32602, answer)
        lines = b"".join(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"search","arguments":'
                         b'{"query":"a"}}}\n' % i for i in range(9))
        server.send_bytes(lines[:-1])
        rest, said, code = server.end()
        check("calls that wait at the end of the input are answered", rest.count(b"\n") == 9 and code == 0, rest)
        test_cancel()
    return end()


if __name__ == "__main__":
    sys.exit(main())
