#!/usr/bin/env python3
"""The rules of the tree that a compiler does not check.

usage: check_layers.py SOURCE-ROOT
       check_layers.py --self-test    shows that each rule fails on a file made to break it
"""
import glob
import os
import re
import sys
import tempfile

FOLDERS = ("include", "src", "json", "jobs", "bulk", "passages", "convert", "server", "cli", "bindings", "bench",
           "examples", "fuzz", "tests", "tools")

# What the files of a folder may include: folders, or single files. A file may always include what lies beside it.
# Every folder of the library and of the applications must stand here. "+" takes the list of another folder.
LIBRARY = {
    "src/base": "include src/base/system",
    "src/base/system": "include src/base/system/windows",
    "src/base/system/darwin": "src/base/system/reallocarray.h",
    "src/base/system/windows": "include src/base src/base/system/reallocarray.h src/base/system/sockets.h "
                               "src/base/system/windows/sys",
    "src/base/system/windows/arpa": "src/base/system/windows/sys",
    "src/base/system/windows/netinet": "src/base/system/windows/sys",
    "src/base/system/windows/sys": "",
    "src/formats": "include src/base",
    "src/gguf": "include src/base src/base/system src/formats",
    "src/text": "include src/base",
    "src/kernels": "include src/base src/base/system src/formats src/kernels/templates",
    "src/kernels/templates": "+src/kernels",
    "src/kernels/x86": "+src/kernels",
    "src/kernels/arm": "+src/kernels",
    "src/index": "include src/base src/base/system src/formats src/kernels",
    "src/arch": "include src/base src/formats src/kernels",
    "src/known": "include src/base src/arch/arch.h",
    "src/network": "include src/base src/formats src/gguf src/kernels src/arch",
    "src/engine": "include src/base src/formats src/kernels src/arch src/network",
    "src/api": "include src/base src/base/system src/formats src/gguf src/text src/kernels src/arch src/known "
               "src/network src/engine",
}
# The maker of model files uses the library's files, names of tensors and vocabularies, but no part that computes.
CONVERT = {"convert": "include src/base src/base/system src/formats src/gguf src/arch src/text/tokenizer.h"}
APPLICATIONS = {
    "json": "include src/base/utf8.h",
    "jobs": "include json",
    "bulk": "include json jobs bulk/parts bulk/records",
    "bulk/columns": "include json jobs",
    "bulk/parts": "include json jobs bulk/columns bulk/records",
    "bulk/records": "include json jobs bulk/columns",
    "passages": "include json jobs bulk/records src/base/utf8.h",
    "server": "include json jobs",
    "server/http": "include json",
    "server/page": "json",
    "server/steps": "include json passages server/server.h src/base/system/system.h",
    "server/requests": "include json server/server.h server/array_count.h server/http server/steps",
    "server/dialects": "include json server/server.h server/array_count.h server/requests server/page/page.h",
    "server/loop": "include json server/server.h server/array_count.h server/requests server/http server/steps "
                   "src/base/system/sockets.h",
    "cli": "include json jobs src/base/nearest.h src/base/system/system.h",
    "cli/bulk": "+cli cli cli/store/session.h bulk/bulk.h",
    "cli/store": "+cli cli",
    "cli/pull": "+cli cli cli/store/store.h src/base/file_kind.h",
    "cli/making": "+cli cli cli/store/session.h convert/convert.h",
    "cli/mcp": "+cli cli cli/search/search.h cli/store/session.h passages",
    "cli/postgresql": "+cli cli cli/store/session.h",
    "cli/quality": "+cli cli cli/store/session.h cli/store/store.h passages/text_words.h",
    "cli/search": "+cli cli cli/store/session.h cli/store/store.h passages",
    "cli/verbs": "+cli cli cli/store/session.h cli/store/model_list.h server/server.h",
    "bindings/sqlite": "include json cli/store/store.h",
    "examples": "include",
    "bindings/node/addon": "include",
}
MAY_INCLUDE = {**LIBRARY, **CONVERT, **APPLICATIONS}

# Names of models and of their makers. Only descriptions of architectures and known models may contain them.
VENDORS = re.compile(r"gemma|google|mistral|qwen|nomic|bert", re.IGNORECASE)
UNQUOTED_VENDORS = re.compile(r'(?<!")(?<!"modern-)(?:%s)' % VENDORS.pattern, re.IGNORECASE)

# Functions that a library never calls.
FINAL = re.compile(r"(?<![a-z_A-Z0-9])(printf|fprintf|puts|putchar|perror|exit|_exit|abort|assert)\(")
# Functions and streams that jobs/ never uses: it writes only to the files that it is given.
LOUD = re.compile(r"(?<![a-z_A-Z0-9])((printf|puts|putchar|perror|exit|_exit|abort)\(|std(out|err)\b)")

# The names by which code asks which system it is compiled for.
SYSTEM = re.compile(r"\b(_WIN(32|64)|__MINGW\w+|_MSC_VER|__CYGWIN__|__APPLE__|__MACH__|TARGET_OS_\w+|"
                    r"__(gnu_)?linux(__)?|__unix(__)?|__ANDROID__|__(Free|Open|Net)BSD__)\b")
SYSTEM_FOLDER = "src/base/system/"

COUNT = re.compile(r"sizeof\b[^;,]*?/ *\(?sizeof\b")
COUNT_FILES = ("src/base/count.h", "json/array_count.h")
INCLUDE = re.compile(r'^ *# *include *"([^"]*)"', re.MULTILINE)
LINE_LENGTH = 120


class Source:
    def __init__(self, root, path):
        self.path = path
        self.folder = os.path.dirname(path)
        with open(os.path.join(root, path), encoding="utf-8") as file:
            self.text = file.read()
        self.code = without_comments(self.text)
        self.includes = INCLUDE.findall(self.text)

    def line(self, position):
        return self.code.count("\n", 0, position) + 1


def without_comments(text):
    """The text with comments and the contents of strings made blank, lines kept."""
    blank = lambda match: match[0] if match[0][0] == "#" else re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'^ *# *include[^\n]*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text,
                  flags=re.DOTALL | re.MULTILINE)


BINDINGS = ("bindings/**/*.py", "tests/python/*.py", "bindings/node/*js", "bindings/node/*ts", "tests/node/*js",
            "tests/node/*ts")


class Tree:
    def __init__(self, root):
        paths = []
        for folder in FOLDERS:
            for base, folders, names in os.walk(os.path.join(root, folder)):
                folders[:] = [name for name in folders if name != "node_modules"]
                paths += [os.path.relpath(os.path.join(base, name), root) for name in names
                          if name.endswith((".c", ".h"))]
        self.sources = {path: Source(root, path) for path in sorted(paths)}
        self.documents = {}  # {path: text} of the pages for readers
        for path in sorted(glob.glob("*.md", root_dir=root) + glob.glob("docs/**/*.md", root_dir=root, recursive=True) +
                           glob.glob("bindings/**/*.md", root_dir=root, recursive=True)):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                self.documents[path] = file.read()
        self.bindings = {}  # {path: text} of the packages for Python and Node.js and their tests
        for path in sorted(sum((glob.glob(pattern, root_dir=root, recursive=True) for pattern in BINDINGS), [])):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                self.bindings[path] = file.read()
        self.complaints = []

    def complain(self, text):
        self.complaints.append(text)

    def inside(self, *folders):
        return [source for source in self.sources.values()
                if any(source.path.startswith(folder + "/") for folder in folders)]

    def resolve(self, source, name):
        """The path of an included file."""
        for folder in (source.folder, source.folder.split("/")[0], "include", "src", "tests/support") + FOLDERS:
            path = os.path.normpath(os.path.join(folder, name))
            if path in self.sources:
                return path
        return None


# ---------------------------------------------------------------- includes


def allowed_places(folder):
    places = [folder]
    for place in MAY_INCLUDE[folder].split():
        places += allowed_places(place[1:]) if place[0] == "+" else [place]
    return places


def check_layers(tree):
    for source in tree.inside("src", "convert", "json", "jobs", "passages", "server", "cli", "bindings", "examples"):
        if source.folder not in MAY_INCLUDE:
            tree.complain("%s: nobody has said what the folder %s may include" % (source.path, source.folder))
            continue
        places = allowed_places(source.folder)
        for name in source.includes:
            path = tree.resolve(source, name)
            if path is not None and path not in places and os.path.dirname(path) not in places:
                tree.complain("%s may not include %s" % (source.path, path))


def circles(graph):
    """The strongly connected parts of a graph {node: set of nodes} that have more than one node, each sorted."""
    order, low, stack, found = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            part = stack[stack.index(node):]
            del stack[-len(part):]
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def check_include_circles(tree):
    graph = {path: {tree.resolve(source, name) for name in source.includes} - {None, path}
             for path, source in tree.sources.items()}
    for part in circles(graph):
        tree.complain("these files include each other: %s" % " ".join(part))


# A function that other files see: its head begins a line, and its body opens on the next line.
FUNCTION = re.compile(r"^(?!static\b|typedef\b)[a-z][\w \*]*?\b(\w+)\([^;{}]*\)\n\{", re.MULTILINE)


def public_functions(source):
    return [] if source.path.endswith(".h") else FUNCTION.findall(source.code)


def check_call_circles(tree):
    """No two files of a folder call each other's functions, not even through others."""
    sources = [source for source in tree.inside("src", "convert", "json", "jobs", "passages", "server", "cli", "bench")
               if source.path.endswith(".c")]
    owner = {}
    for source in sources:
        for name in public_functions(source):
            owner.setdefault((source.folder, name), source.path)
    graph = {}
    for source in sources:
        keys = {(source.folder, name) for name in re.findall(r"\w+", source.code)}
        graph[source.path] = {owner[key] for key in keys if key in owner} - {source.path}
    for part in circles(graph):
        uses = ["%s uses %s" % (os.path.basename(path), ", ".join(sorted(
            name for (folder, name), place in owner.items()
            if place in part and place != path and folder == tree.sources[path].folder and
            re.search(r"\b%s\b" % name, tree.sources[path].code)))) for path in part]
        tree.complain("these files use each other's functions: %s (%s)" % (" ".join(part), "; ".join(uses)))


# ---------------------------------------------------------------- names


def check_file_names(tree):
    seen = {}
    for path in tree.sources:
        seen.setdefault(os.path.basename(path), []).append(path)
    for name, paths in seen.items():
        if len(paths) > 1:
            tree.complain("names of files must be unique: %s" % " ".join(paths))


TAG = re.compile(r"\b(struct|enum|union) (\w+)\s*\{")
ENTRIES = {"main", "LLVMFuzzerTestOneInput"}
# Built in place of other files.
INSTEAD = {"cli/pull/curl_linked.c", "cli/pull/no_transfer.c", "cli/postgresql/no_postgresql.c",
           "passages/folder_poll.c", "server/loop/no_sandbox.c", "server/loop/launchd.c", "server/loop/no_manager.c",
           "bench/uncounted_malloc.c"}


def check_names(tree):
    """Tags that begin with quern_ and functions that other files see have one definition in the whole tree."""
    tags, functions = {}, {}
    for source in tree.sources.values():
        for kind, name in TAG.findall(source.code):
            if name.startswith("quern_") or source.path.endswith(".h"):
                tags.setdefault(name, []).append(source.path)
        for name in set(public_functions(source)):
            if name not in ENTRIES and not name.startswith("__wrap_") and source.path not in INSTEAD and \
                    not source.path.startswith(SYSTEM_FOLDER): # each system has its own
                functions.setdefault(name, []).append(source.path)
    for what, table in (("tag", tags), ("function", functions)):
        for name, paths in table.items():
            if len(paths) > 1:
                tree.complain("the %s %s is defined more than once: %s" % (what, name, " ".join(paths)))


def constants(source):
    """Names of constants with their values: macros without parameters, and constants of an enum that have a value."""
    for name, value in re.findall(r"^ *# *define (\w+) +(\S[^\n]*)$", source.code, re.MULTILINE):
        yield name, " ".join(value.split())
    for body in re.findall(r"\benum\b[^{};()]*\{([^}]*)\}", source.code):
        for name, value in re.findall(r"\b([A-Z]\w+) *= *([^,}]+)", body):
            yield name, " ".join(value.split())


def check_constants(tree):
    """A constant has one value in the library and the applications. (The templates of kernels are made to be included
    with different values; so are the files for a system.)"""
    table = {}
    for source in tree.inside("include", "src", "json", "jobs", "passages", "convert", "server", "cli", "bindings",
                              "bench"):
        if source.path.startswith(("src/kernels/", SYSTEM_FOLDER)):
            continue
        for name, value in constants(source):
            table.setdefault(name, {}).setdefault(value, []).append(source.path)
    for name, values in table.items():
        if len({path for paths in values.values() for path in paths}) > 1 < len(values):
            tree.complain("the constant %s has more than one value: %s" % (name, "; ".join(
                "%s in %s" % (value, " ".join(paths)) for value, paths in values.items())))


# ---------------------------------------------------------------- lines


def check_lines(tree):
    for path, text in tree.bindings.items():
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_LENGTH:
                tree.complain("%s:%d has %d columns" % (path, number, len(line)))
    for source in tree.sources.values():
        for number, line in enumerate(source.text.split("\n"), 1):
            if len(line) > LINE_LENGTH and not source.path.startswith("tests/golden/"):
                tree.complain("%s:%d has %d columns" % (source.path, number, len(line)))
    for path, text in tree.documents.items():
        is_code = False
        for number, line in enumerate(text.split("\n"), 1):
            is_code ^= line.startswith("```")
            if len(line) > LINE_LENGTH and not is_code and line.lstrip()[0] != "|":  # a row of a table is one line
                tree.complain("%s:%d has %d columns" % (path, number, len(line)))


def each(tree, sources, pattern, text, code=True):
    """Complains of each match in the code, or also in comments and strings."""
    for source in sources:
        for match in pattern.finditer(source.code if code else source.text):
            tree.complain("%s:%d: %s: %s" % (source.path, source.line(match.start()), text, match[0].strip()))


def check_calls(tree):
    each(tree, tree.inside("src", "convert"), FINAL, "a library does not print, exit or abort")
    each(tree, tree.inside("jobs"), LOUD, "jobs/ does not print or exit")
    each(tree, tree.inside("passages"), LOUD, "passages/ does not print or exit")


def check_systems(tree):
    sources = [source for source in tree.sources.values() if not source.path.startswith(SYSTEM_FOLDER)]
    each(tree, sources, SYSTEM, "only src/base/system/ asks which system it is compiled for")


def check_counts(tree):
    sources = [source for source in tree.sources.values() if source.path not in COUNT_FILES]
    each(tree, sources, COUNT, "count the elements of an array with QUERN_COUNT")


def check_vendors(tree):
    for source in tree.inside("src"):
        if source.folder not in ("src/arch", "src/known"):
            # In src/text/, a name in quotes is that of a tokenizer, as files have it.
            pattern = UNQUOTED_VENDORS if source.folder == "src/text" else VENDORS
            each(tree, [source], pattern, "only src/arch/ and src/known/ know names of models", code=False)


POINTER = re.compile(r"\b(?:\w+) (?:const )?\*+(?:const )?(\w+)(?=[ ,;=)\[])")
NUMBER = re.compile(r"\b(?:bool|int|char|size_t|u?int\d+_t|uint32_t) (\w+)(?=[ ,;=)])")
NOT = re.compile(r"!((?:\w+(?:->|\.))*(\w+))(?![\w(\[.]|->)")


def check_null_tests(tree):
    """A pointer is compared with NULL. What is a pointer is told by its name, as the files of src/ declare it."""
    headers = [source for source in tree.inside("src") if source.path.endswith(".h")]
    shared = {name for source in headers for name in POINTER.findall(source.code)}
    for source in tree.inside("src"):
        own = set(POINTER.findall(source.code))
        numbers = set(NUMBER.findall(source.code))
        for match in NOT.finditer(source.code):
            name = match[2]
            if (name in own or match[1] != name and name in shared) and name not in numbers:
                tree.complain("%s:%d: compare a pointer with NULL: %s" % (source.path, source.line(match.start()),
                                                                         match[0]))


RULES = (check_layers, check_include_circles, check_call_circles, check_file_names, check_names, check_constants,
         check_lines, check_calls, check_systems, check_counts, check_vendors, check_null_tests)


def complaints(root):
    tree = Tree(root)
    for rule in RULES:
        rule(tree)
    return tree.complaints


# ---------------------------------------------------------------- the test of the rules

GOOD = {
    "src/base/a.h": "struct quern_a {\n    int one;\n};\nint quern_a(struct quern_a *a);\n",
    "src/base/a.c": '#include "base/a.h"\n\nint quern_a(struct quern_a *a)\n{\n    return a == NULL;\n}\n',
    "src/base/count.h": "#define QUERN_COUNT(array) (sizeof(array) / sizeof *(array))\n",
}
# Files that break one rule, and what must be said of them.
BAD = (
    ({"src/base/b.c": '#include "gguf/b.h"\n', "src/gguf/b.h": ""}, "src/base/b.c may not include src/gguf/b.h"),
    ({"src/gguf/b.c": '#include "engine/b.h"\n', "src/engine/b.h": ""}, "src/gguf/b.c may not include src/engine/b.h"),
    ({"server/http/b.c": '#include "base/a.h"\n'}, "server/http/b.c may not include src/base/a.h"),
    ({"jobs/b.c": '#include "base/a.h"\n'}, "jobs/b.c may not include src/base/a.h"),
    ({"examples/b.c": '#include "base/a.h"\n'}, "examples/b.c may not include src/base/a.h"),
    ({"convert/b.c": '#include "engine/b.h"\n', "src/engine/b.h": ""}, "convert/b.c may not include src/engine/b.h"),
    ({"src/new/b.c": ""}, "nobody has said what the folder src/new may include"),
    ({"src/base/b.h": '#include "base/c.h"\n', "src/base/c.h": '#include "base/d.h"\n',
      "src/base/d.h": '#include "base/b.h"\n'}, "include each other: src/base/b.h src/base/c.h src/base/d.h"),
    ({"cli/b.c": "int quern_b(void)\n{\n    return quern_c();\n}\n",
      "cli/c.c": "int quern_c(void)\n{\n    return quern_b();\n}\n"}, "use each other's functions: cli/b.c cli/c.c"),
    ({"server/http/a.c": ""}, "names of files must be unique: server/http/a.c src/base/a.c"),
    ({"tests/b.c": "struct quern_a {\n"}, "the tag quern_a is defined more than once"),
    ({"tools/b.c": "int quern_a(\n    int one)\n{\n"}, "the function quern_a is defined more than once"),
    ({"src/text/b.c": "#define ROWS 4\n", "cli/b.h": "enum { FIRST, ROWS = 5 };\n"}, "the constant ROWS has more than"),
    ({"tests/b.c": "/* %s */\n" % ("x" * 120)}, "tests/b.c:1 has 126 columns"),
    ({"bindings/python/b/b.py": "# %s\n" % ("x" * 120)}, "bindings/python/b/b.py:1 has 122 columns"),
    ({"bindings/node/b.mjs": "// %s\n" % ("x" * 120)}, "bindings/node/b.mjs:1 has 123 columns"),
    ({"bindings/b/README.md": "%s\n" % ("x" * 121)}, "bindings/b/README.md:1 has 121 columns"),
    ({"docs/b.md": "| %s |\n```\n%s\n```\n%s\n" % (("x" * 130,) * 3)}, "docs/b.md:5 has 130 columns"),
    ({"src/base/b.c": "void f(void)\n{\n    abort();\n}\n"}, "src/base/b.c:3: a library does not print"),
    ({"jobs/b.c": "\nstatic FILE *f = stderr;\n"}, "jobs/b.c:2: jobs/ does not print"),
    ({"jobs/b.c": "#ifdef __APPLE__\n#endif\n"}, "jobs/b.c:1: only src/base/system/ asks which system"),
    ({"server/http/b.c": "int f(void);\n#if defined(_WIN32)\n#endif\n"}, "server/http/b.c:2: only src/base/system/"),
    ({"tests/b.c": "int n = sizeof x / sizeof x[0];\n"}, "tests/b.c:1: count the elements"),
    ({"src/engine/b.c": "/* as Gemma does */\n"}, "src/engine/b.c:1: only src/arch/ and src/known/ know names"),
    ({"src/engine/b.c": 'const char b[] = "bert";\n'}, "src/engine/b.c:1: only src/arch/ and src/known/ know names"),
    ({"src/text/b.c": "/* the tokenizer \"bert\" of\n * Bert */\n"}, "src/text/b.c:2: only src/arch/ and src/known/"),
    ({"src/text/b.c": "int f(const char *text)\n{\n    return !text;\n}\n"}, "src/text/b.c:3: compare a pointer"),
    ({"src/text/b.h": "struct quern_b {\n    char *next;\n};\n",
      "src/text/b.c": "int f(struct quern_b b)\n{\n    return !b.next;\n}\n"}, "src/text/b.c:3: compare a pointer"),
)
FINE = {
    "src/text/c.c": "/* puts( and sizeof a / sizeof b */\nint f(int count, const char *text)\n{\n"
                    '    return !count && !*text && snprintf(0, 0, "!text");\n}\n',
    "src/arch/d.c": "/* Gemma */\n",
    "src/base/system/e.c": "#ifdef __linux__\n#endif\n",
}


def said(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **files}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return complaints(root)


def self_test():
    failures = ["said of sound files: " + text for text in said(FINE)]
    for files, expected in BAD:
        texts = said(files)
        if not any(expected in text for text in texts):
            failures.append("not said: %s; but: %s" % (expected, texts))
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    texts = self_test() if sys.argv[1] == "--self-test" else complaints(sys.argv[1])
    print("\n".join(texts), file=sys.stderr)
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main())
