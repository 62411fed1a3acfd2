"""Which model is used, and downloads, from a hub of the test's own on this machine."""
import hashlib
import http.server
import io
import json
import os
import shutil
import sys
import threading
import unittest
import warnings
from contextlib import redirect_stderr
from unittest import mock

from trial import command, run_python, tiny_model
import quern
from quern import _files, _library

CACHE = os.path.join(os.environ["XDG_CACHE_HOME"], "quern")


def catalog_with(**changes):
    """A catalog of one model, whose file is the small one."""
    with open(tiny_model(), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    entry = {"name": "tiny", "model": "publisher/tiny", "origin": "hf:owner/files/deep/tiny-Q8_0.gguf",
             "revision": None, "sha256": digest, **changes}
    return mock.patch.object(_files, "catalog", lambda: [entry])


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers /…/resolve/… by a redirection to another host, as the hub does, which gives the file."""
    asked = []
    mode = ""

    def do_GET(self):
        self.asked.append((self.headers["Host"].split(":")[0], self.path, self.headers["Authorization"]))
        if self.mode == "no HTTP":
            self.wfile.write(b"good day\r\n\r\n")
            return
        if "/resolve/" in self.path and self.mode != "forbidden":
            self.send_response(302)
            with open(tiny_model(), "rb") as file:
                self.send_header("X-Linked-Etag", '"%s"' % hashlib.sha256(file.read()).hexdigest())
            self.send_header("Location", "http://example.invalid/file" if self.mode == "elsewhere" else
                             "http://localhost:%d/file" % self.server.server_port)
            self.end_headers()
            return
        with open(tiny_model(), "rb") as file:
            body = file.read()
        self.send_response(403 if self.mode == "forbidden" else 200)
        if self.mode != "no length":
            self.send_header("Content-Length", "many" if self.mode == "wrong length" else str(len(body)))
        self.end_headers()
        self.wfile.write(body[:1000] if self.mode == "short" else b"x" + body[1:] if self.mode == "other" else body)

    def log_message(self, *arguments):
        pass


class Trial(unittest.TestCase):
    def setUp(self):
        shutil.rmtree(CACHE, ignore_errors=True)
        os.makedirs(CACHE)


class Files(Trial):
    def test_without_a_name(self):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            model = quern.Embedder()
        self.assertIn("starter model", str(seen[0].message))
        self.assertEqual(os.path.basename(model.path), "starter.gguf")
        shutil.copy(tiny_model(), os.path.join(CACHE, "b.gguf"))
        with open(os.path.join(CACHE, "a.gguf"), "w", encoding="utf-8") as file:
            file.write("not a model")
        os.mkdir(os.path.join(CACHE, "aa.gguf"))
        if hasattr(os, "mkfifo"):
            os.mkfifo(os.path.join(CACHE, "0.gguf"))  # which must not be waited for
        self.assertEqual(quern.Embedder().path, os.path.join(CACHE, "b.gguf"))
        self.assertIn(quern.Embedder().path.encode(), command("info", "--quiet"))  # the command takes the same one
        with mock.patch.dict(os.environ, QUERN_MODEL=tiny_model()):
            self.assertEqual(quern.Embedder().path, tiny_model())

    def test_names(self):
        with catalog_with():
            with self.assertRaisesRegex(quern.Error, r"quern\.pull\('tiny'\)"):
                quern.Embedder("tiny")
            for name in ("Tiny", "other/tiny"):
                with self.assertRaisesRegex(quern.Error, r"a name for quern\.pull, such as 'tiny' for publisher/tiny$"):
                    quern.Embedder(name)
            with self.assertRaisesRegex(quern.Error, r"a name for quern\.pull$"):
                quern.Embedder("publisher/other")
            shutil.copy(tiny_model(), os.path.join(CACHE, "tiny-Q8_0.gguf"))
            for name in ("tiny", "publisher/tiny", None):
                self.assertEqual(quern.Embedder(name).path, os.path.join(CACHE, "tiny-Q8_0.gguf"))

    def test_relative_paths(self):
        self.assertEqual(_files.find_model(os.path.relpath(tiny_model())), os.path.abspath(tiny_model()))

    def test_the_cache_folder_of_each_system(self):
        home = os.path.join(os.path.expanduser("~"), ".cache", "quern")
        for system, variables, expected in (
                ("posix", {"LOCALAPPDATA": "/local"}, home), ("nt", {"LOCALAPPDATA": "/local"}, "/local/quern"),
                ("nt", {}, home), ("nt", {"LOCALAPPDATA": "/local", "XDG_CACHE_HOME": "/own"}, "/own/quern"),
                ("posix", {"XDG_CACHE_HOME": "not absolute"}, home)):
            kept = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
            with mock.patch.dict(os.environ, {**kept, **variables}, clear=True), mock.patch.object(os, "name", system):
                self.assertEqual(_files.cache_folder(), expected)

    def test_catalog(self):
        printed = json.loads(command("pull", "--list", "--json"))
        self.assertEqual(_files.catalog(), printed)
        self.assertEqual(printed[0]["name"], "embeddinggemma")


class Library(unittest.TestCase):
    def test_the_name_of_each_system(self):
        for system, beside, installed in (("linux", "libquern.so", "libquern.so.0"),
                                          ("darwin", "libquern.dylib", "libquern.0.dylib"),
                                          ("win32", "quern.dll", "quern.dll")):
            for is_there in (True, False):
                with mock.patch.object(sys, "platform", system), mock.patch("ctypes.CDLL") as load, \
                        mock.patch("os.path.exists", return_value=is_there):
                    _library._load()
                [path] = load.call_args[0]
                expected = os.path.join(os.path.dirname(_library.__file__), beside) if is_there else installed
                self.assertEqual(path, expected)

    def test_without_fork(self):
        """As on Windows."""
        result = run_python("import os; del os.fork, os.register_at_fork; import quern; "
                            "quern.Embedder(__import__('sys').argv[1]).encode('a')")
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class Pull(Trial):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        hub = "http://127.0.0.1:%d/" % self.server.server_port
        patch = mock.patch.dict(os.environ, QUERN_HUB_URL=hub, HF_TOKEN="secret", no_proxy="*")
        patch.start()
        self.addCleanup(patch.stop)
        Hub.asked, Hub.mode = [], ""

    def assert_refused(self, words, mode="", **changes):
        Hub.mode = mode
        with catalog_with(**changes), self.assertRaisesRegex(quern.Error, words):
            quern.pull("tiny")
        self.assertEqual(os.listdir(CACHE), [])

    def test_pull(self):
        with catalog_with():
            path = quern.pull("tiny")
            self.assertEqual(path, os.path.join(CACHE, "tiny-Q8_0.gguf"))
            first = ("127.0.0.1", "/owner/files/resolve/main/deep/tiny-Q8_0.gguf", "Bearer secret")
            self.assertEqual(Hub.asked, [first, ("localhost", "/file", None)])  # no token for another host
            with open(path, "rb") as file, open(tiny_model(), "rb") as expected:
                self.assertEqual(file.read(), expected.read())
            self.assertEqual(os.listdir(CACHE), ["tiny-Q8_0.gguf"])
            self.assertEqual(quern.pull("tiny"), path)
            self.assertEqual(len(Hub.asked), 2)  # it was there
            quern.Embedder("tiny").encode("a")

    def test_a_file_is_closed_before_it_is_moved_or_removed(self):
        """As Windows wants it."""
        def if_closed(function):
            def call(path, *more):
                folder = "/proc/self/fd"
                opened = {os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)
                          if os.path.lexists(os.path.join(folder, name))}
                self.assertNotIn(path, opened)
                calls.append(path)
                return function(path, *more)
            return call
        calls = []
        with mock.patch.object(os, "replace", if_closed(os.replace)), \
                mock.patch.object(os, "unlink", if_closed(os.unlink)):
            self.assert_refused("has the SHA-256", sha256="0" * 64)
            with catalog_with():
                quern.pull("tiny")
        self.assertEqual(len(calls), 2)

    def test_progress(self):
        size = os.path.getsize(tiny_model()) / 1e6
        for shows, expected in ((None, ""), (True, "\r%.1f of %.1f MB\n" % (size, size))):
            written = io.StringIO()
            with catalog_with(), redirect_stderr(written):
                os.unlink(quern.pull("tiny", shows))
            self.assertEqual(written.getvalue(), expected)

    def test_the_digest_of_the_hub(self):
        with catalog_with(sha256=None, revision="abc"):
            quern.pull("tiny")
        self.assertIn("/resolve/abc/", Hub.asked[0][1])

    def test_refusals(self):
        self.assert_refused("has the SHA-256", sha256="0" * 64)
        self.assert_refused("has the SHA-256", mode="other", sha256=None)
        self.assert_refused("cannot download tiny|has the SHA-256", mode="short")
        self.assert_refused("403; accept the model's terms", mode="forbidden")
        self.assert_refused("not https", mode="elsewhere")
        self.assert_refused("does not say how long", mode="no length")
        self.assert_refused("does not say how long", mode="wrong length")
        self.assert_refused("cannot download tiny", mode="no HTTP")
        with mock.patch.dict(os.environ, HF_TOKEN="sec\nret"):
            self.assert_refused("HF_TOKEN does not hold a token")
        with mock.patch.dict(os.environ, QUERN_HUB_URL="http://example.invalid"):
            self.assert_refused("must be an https URL")
        with self.assertRaisesRegex(quern.Error, "no published model 'bge-smal'; there are embeddinggemma"):
            quern.pull("bge-smal")


if __name__ == "__main__":
    unittest.main()
