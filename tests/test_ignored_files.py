#!/usr/bin/env python3
"""What quern index leaves out by rules of .gitignore, by hand and beside git. Speaks TAP.
usage: test_ignored_files.py QUERN MKMODEL"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from scripted_checks import MKMODEL, QUERN, check, end

WORK = os.path.realpath(tempfile.mkdtemp())


def write(path, text="words\n"):
    os.makedirs(os.path.dirname(os.path.join(WORK, path)), exist_ok=True)
    with open(os.path.join(WORK, path), "w", encoding="utf-8", newline="") as file:
        file.write(text)


def index(*arguments):
    return subprocess.run([QUERN, "index", "-q", *arguments], cwd=WORK, stderr=subprocess.PIPE, check=False)


def files(name):
    """The files that an index has, relative to the scratch folder."""
    subprocess.run([QUERN, "index", "export", "-q", "--null", name, "-o", "ids.npy"], cwd=WORK, check=True)
    with open(os.path.join(WORK, "ids.ids.txt"), "rb") as file:
        ids = file.read().split(b"\0")[:-1]
    return {os.fsdecode(row[len(WORK) + 1:].rsplit(b"#", 1)[0]) for row in ids}


def by_hand():
    write("top/.git/HEAD", "")
    write("top/.gitignore", "*.log\n/out/\n!keep.log\nsub/one.md\n")
    for path in ("a.md", "a.log", "keep.log", "out/a.md", "x/out/a.md", "sub/one.md", "sub/two.md", "sub/deep/b.log"):
        write("top/" + path)
    write("top/sub/.gitignore", "two.md\n!b.log\n")
    write("top/nested/.git", "gitdir: elsewhere\n")
    write("top/nested/a.log")
    index("top", "-o", "top.qidx")
    check("rules count, deeper ones first", files("top.qidx") == {
        "top/a.md", "top/keep.log", "top/x/out/a.md", "top/sub/deep/b.log", "top/nested/a.log"})
    index("top/sub", "-o", "sub.qidx")
    check("rules above the folder count, too", files("sub.qidx") == {"top/sub/deep/b.log"})
    index("top/out", "top/a.log", "-o", "named.qidx")
    check("what is named is taken", files("named.qidx") == {"top/out/a.md", "top/a.log"})
    shutil.copy(os.path.join(WORK, "top.qidx"), os.path.join(WORK, "all.qidx"))
    index("top/x", "-o", "all.qidx", "--no-ignore")
    everything = {"top/" + path for path in ("a.md", "a.log", "keep.log", "out/a.md", "x/out/a.md", "sub/one.md",
                                             "sub/two.md", "sub/deep/b.log", "nested/a.log")}
    check("--no-ignore takes all", files("all.qidx") == everything)
    index("-o", "all.qidx")
    check("and the index keeps that", files("all.qidx") == everything)
    write("top/.gitignore", "a.md\n")
    index("-o", "top.qidx")
    check("a change of the rules removes and adds", files("top.qidx") == everything - {
        "top/a.md", "top/out/a.md", "top/x/out/a.md", "top/sub/two.md"})
    os.remove(os.path.join(WORK, "top/.git/HEAD"))
    os.rmdir(os.path.join(WORK, "top/.git"))
    index("top/sub", "-o", "sub.qidx")
    check("without .git, rules above the folder do not count",
          files("sub.qidx") == {"top/sub/one.md", "top/sub/deep/b.log"})


def odd_rules():
    write("odd/a.md")
    os.mkdir(os.path.join(WORK, "odd/.gitignore"))
    write("odd/link/a.md")
    write("rules", "*\n")
    os.symlink("../../rules", os.path.join(WORK, "odd/link/.gitignore"))
    check("a folder or a link of that name has no rules",
          index("odd", "-o", "odd.qidx").returncode == 0 and files("odd.qidx") == {"odd/a.md", "odd/link/a.md"})
    write("odd/early/.gitignore", "*\n")
    write("odd/early/a.md")
    os.chmod(os.path.join(WORK, "odd/early"), 0o111)
    done = index("odd", "-o", "odd.qidx")
    check("rules of a folder that cannot be read do not count in the next one",
          files("odd.qidx") == {"odd/a.md", "odd/link/a.md"}, done.stderr)
    os.chmod(os.path.join(WORK, "odd/early"), 0o755)
    write("odd/large/a.md")
    write("odd/large/.gitignore", "#" * (1 << 20) + "\n")
    done = index("odd", "-o", "odd.qidx")
    check("rules that are too large are told",
          done.returncode == 1 and b"odd/large/.gitignore: File too" in done.stderr, done.stderr)
    check("and their folder is left out", files("odd.qidx") == {"odd/a.md", "odd/link/a.md"})


NAMES = ("a", "b", "ab", "ba", "a.c", "b.c", "a b", "c ", "!a", "#a", "x-y", "A1", "[a", "a\\b", "a*", "\xe9", "_")
PARTS = ("a b ab c * ** ? [ab] [!a] [^b] [a-c] []a] [[:alpha:]] [[:digit:]1] [a \\a \\* \\! # ! .c *.c / / / /**/ **/ "
         "/** - [x-y] [a\\-c] [-a] [a-] [\\]] [[:nope:]] \\ \xe9").split() + [" ", "\\ ", "\t"]
# git takes such stars for ** when only plain characters stand before them.
UNCLEAR = re.compile(r"[^/]\*\*+/")


def random_rules(chance):
    """Some random rules, as the text of a file."""
    lines = []
    while len(lines) < 1 or chance.random() < 0.7:
        line = (chance.choice(("", "", "", "!", "/")) + "".join(chance.choices(PARTS, k=chance.randint(1, 5))) +
                chance.choice(("", "", "/", " ", "\r")))
        if not UNCLEAR.search(line):
            lines.append(line)
    return chance.choice(("", "", "\ufeff")) + "\n".join(lines) + chance.choice(("", "\n"))


def random_tree(chance, folder, depth):
    if depth == 0 or chance.random() < 0.3:
        write(folder + "/.gitignore", random_rules(chance))
    for name in chance.sample(NAMES, 5):
        if depth < 3 and chance.random() < 0.35:
            random_tree(chance, folder + "/" + name, depth + 1)
        else:
            write(folder + "/" + name)


def beside_git():
    if shutil.which("git") is None:
        return
    for i in range(40):
        random_tree(random.Random(i), "tree/d%d" % i, 0)
    write("tree/.gitignore", "x-y\n/d1/**/a\n*.c\n!b.c\nd3/a\n")
    env = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1")
    tree = os.path.join(WORK, "tree")
    subprocess.run(["git", "init", "-q", tree], env=env, check=True)
    names = subprocess.run(["git", "-C", tree, "ls-files", "-z", "--others", "--exclude-standard"], env=env, check=True,
                           stdout=subprocess.PIPE).stdout.split(b"\0")[:-1]
    expected = {"tree/" + os.fsdecode(name) for name in names if not name.endswith(b".gitignore")}
    index("tree", "-o", "tree.qidx")
    found = files("tree.qidx")
    for path in sorted(expected ^ found)[:9]:
        print("# only %s: %s" % ("git" if path in expected else "quern", ascii(path)))
    check("random rules leave out what they do in git", found == expected and len(found) > 300)


def main():
    subprocess.run([MKMODEL, "tiny", os.path.join(WORK, "tiny.gguf"), "--head"], check=True)
    os.environ["QUERN_MODEL"] = os.path.join(WORK, "tiny.gguf")
    try:
        by_hand()
        odd_rules()
        beside_git()
    finally:
        shutil.rmtree(WORK)
    return end()


if __name__ == "__main__":
    sys.exit(main())
