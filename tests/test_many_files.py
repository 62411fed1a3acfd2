#!/usr/bin/env python3
"""A folder of tens of thousands of files with names of any bytes: texts, binary files, links, pipes, files and folders
without permission. It becomes an index, is changed at random, and is indexed again. Speaks TAP.
usage: test_many_files.py QUERN MKMODEL [FILES]"""
import json
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile

from scripted_checks import MKMODEL, QUERN, check, end

FILES = int(sys.argv[3]) if len(sys.argv) > 3 else 30000
NOBODY = 65534
WORDS = b"roots take water from the soil and leaves make sugar of light".split()
BINARY = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"GGUF\3\0\0\0", b"\x7fELF\2\1\1\0\0\0", b"text\0more text", b"\0" * 5000)

random.seed(20261130)
work = os.fsencode(os.path.realpath(tempfile.mkdtemp()))


def be_nobody():
    """Root may read everything, so the files are another user's. Returns the command, where that user can run it."""
    for path in (QUERN, MKMODEL):
        shutil.copy(path, os.fsdecode(work))
    if os.getuid() == 0:
        os.chown(work, NOBODY, NOBODY)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    os.chdir(work)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)) # files and folders are not kept open
    os.environ["QUERN_MODEL"] = "tiny.gguf"
    subprocess.run(["./" + os.path.basename(MKMODEL), "tiny", "tiny.gguf", "--head"], check=True)
    return "./" + os.path.basename(QUERN)


def odd_name(length):
    """Any bytes but a slash and NUL. It is not hidden, and its ending says nothing."""
    while True:
        kind = random.random()
        if kind < 0.6:
            name = bytes(random.choice(b"\1\2\n\r\t\x1b !\"#$%&'()*+,-:;<=>?@[\\]^_`{|}~\x7f\x80\xc3\xff\xfeab") for _ in
                         range(length))
        elif kind < 0.9:
            name = random.randbytes(length).replace(b"\0", b"x").replace(b"/", b"y")
        else:
            name = "".join(random.choice("\u202e\u0301\ufeff\u4e2d\U0001f600-# \n") for _ in
                           range(length // 4 + 1)).encode()
        if not name.startswith(b".") and b"." not in name[-9:]:
            return name[:255]


def new_path(folders):
    while True:
        length = 255 if random.random() < 0.01 else random.randint(1, 40)
        path = os.path.join(random.choice(folders), odd_name(length))
        if not os.path.lexists(path):
            return path


def text():
    return b" ".join(random.choice(WORDS) for _ in range(random.randint(1, 12))) + b" %d" % random.randrange(10 ** 9)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


class Folder:
    """What lies in the folder "top", and what an index must hold of it."""

    def __init__(self):
        self.folders, self.texts, self.binaries, self.unread = [b"top"], [], [], []
        os.mkdir(b"top")
        for _ in range(300):
            parent = random.choice(self.folders)
            if len(parent) < 1500: # far from the longest path of an index
                path = new_path([parent])
                os.mkdir(path)
                self.folders.append(path)
        for _ in range(FILES):
            self.add()
        self.add_links()

    def add(self):
        path = new_path(self.folders)
        if random.random() < 0.05:
            write(path, random.choice(BINARY) + random.randbytes(random.randrange(200)))
            self.binaries.append(path)
        else:
            write(path, text())
            self.texts.append(path)

    def add_links(self):
        """Links add nothing, but for one to a text outside of the folder; nor do pipes, sockets and hidden files."""
        write(b"outside", text())
        for i in range(FILES // 20):
            path = new_path(self.folders)
            kind = i % 6
            if kind == 0:
                os.symlink(os.path.abspath(random.choice(self.texts)), path)
            elif kind == 1:
                os.symlink(os.path.relpath(random.choice(self.folders), os.path.dirname(path)), path)
            elif kind == 2:
                os.symlink(odd_name(30), path)
            elif kind == 3:
                os.symlink(os.path.basename(path), path)
            elif kind == 4:
                os.mkfifo(path)
            else:
                write(os.path.join(os.path.dirname(path), b"." + os.path.basename(path)[:200]), b"hidden")
        os.symlink(os.path.abspath(b"outside"), b"top/link to outside")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(b"top/socket")

    def forbid(self, count):
        """Takes the permission to read files, and a folder."""
        self.unread = random.sample(self.texts, count)
        for path in self.unread:
            os.chmod(path, 0)
        os.mkdir(b"top/forbidden", 0)

    def allow(self):
        for path in self.unread:
            os.chmod(path, 0o600)
        os.rmdir(b"top/forbidden")
        self.unread = []

    def change(self, count):
        """Removes, changes and moves some files, and adds others."""
        gone = set()
        for path in random.sample(self.texts, 3 * count):
            kind = random.randrange(3)
            if kind == 0:
                os.remove(path)
            elif kind == 1:
                write(path, text())
            if kind == 2:
                self.texts.append(new_path(self.folders))
                os.rename(path, self.texts[-1])
            if kind != 1:
                gone.add(path)
        self.texts = [path for path in self.texts if path not in gone]
        for _ in range(count):
            self.add()

    def ids(self, without=()):
        gone = set(without)
        paths = [os.path.join(work, path) for path in self.texts if path not in gone]
        return sorted(path + b"#0" for path in paths + [os.path.join(work, b"top/link to outside")])


class Command:
    def __init__(self, quern):
        self.quern = quern

    def index(self, *arguments):
        """Returns the status, the facts and the messages."""
        done = subprocess.run([self.quern, "index", "--json", *arguments], capture_output=True, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr

    def rows(self, index):
        """Ids with their vectors, sorted."""
        subprocess.run([self.quern, "index", "export", "-q", "--null", index, "-o", "rows.npy"], check=True)
        with open("rows.ids.txt", "rb") as file:
            ids = file.read().split(b"\0")[:-1]
        with open("rows.npy", "rb") as file:
            data = file.read()[128:]
        width = len(data) // max(len(ids), 1)
        return sorted((id, data[i * width:(i + 1) * width]) for i, id in enumerate(ids))


def main():
    command = Command(be_nobody())
    folder = Folder()
    status, facts, said = command.index("top", "-o", "many.qidx")
    check("a folder of %d odd files becomes an index" % FILES, status == 0 and facts["failed"] == 0,
          (status, facts, said))
    check("files that are no text are counted", facts["not_text"] == len(folder.binaries), facts)
    rows = command.rows("many.qidx")
    check("every text is there once, by its name, and nothing else", [id for id, _ in rows] == folder.ids(),
          "%d of %d" % (len(rows), len(folder.texts)))
    before = os.stat("many.qidx")
    status, facts, said = command.index("top", "-o", "many.qidx")
    after = os.stat("many.qidx")
    check("a second run changes nothing", status == 0 and facts["embedded"] == 0 and
          (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns), (status, facts, said[:300]))

    folder.change(FILES // 30)
    status, facts, said = command.index("-o", "many.qidx")
    check("changes are found", status == 0 and facts["failed"] == 0, (status, facts, said[:300]))
    rows = command.rows("many.qidx")
    check("the index has the files that are there now", [id for id, _ in rows] == folder.ids(), len(rows))
    command.index("top", "-o", "fresh.qidx")
    check("and the vectors of one that is made anew", rows == command.rows("fresh.qidx"))

    folder.forbid(FILES // 100)
    os.remove("fresh.qidx")
    status, facts, said = command.index("top", "-o", "fresh.qidx")
    check("each file and folder without permission is told", status == 1 and said.count(b"Permission denied") ==
          len(folder.unread) + 1 and facts["failed"] == len(folder.unread) + 1, (status, facts, said[-300:]))
    check("control characters of their names are not printed", not any(byte < 32 and byte != 10 for byte in said),
          said[:300])
    check("all others are in the index", [id for id, _ in command.rows("fresh.qidx")] == folder.ids(folder.unread))
    status, facts, said = command.index("-o", "many.qidx")
    check("a file that was readable before keeps its row", command.rows("many.qidx") == rows, (status, facts))
    folder.allow()
    status, facts, said = command.index("-o", "fresh.qidx")
    check("with permission, they are added", status == 0 and command.rows("fresh.qidx") == rows,
          (status, facts, said[:300]))
    checked = subprocess.run([command.quern, "index", "check", "many.qidx"], check=False, capture_output=True)
    check("the index is whole", checked.returncode == 0, checked)
    return end()


try:
    failed = main()
finally:
    shutil.rmtree(work, ignore_errors=True)
sys.exit(failed)
