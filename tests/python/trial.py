"""What the tests of the Python package share. They run with build/bindings/python in PYTHONPATH, and with QUERN_BUILD,
the build directory. With QUERN_TEST_PLAIN=1 they run as if NumPy were not installed."""
import atexit
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile

BUILD = os.environ["QUERN_BUILD"]
WORK = tempfile.mkdtemp()
OWNER = os.getpid()
atexit.register(lambda: os.getpid() == OWNER and shutil.rmtree(WORK))
os.environ["XDG_CACHE_HOME"] = os.path.join(WORK, "cache")
os.environ.pop("QUERN_MODEL", None)
if os.environ.get("QUERN_TEST_PLAIN"):
    sys.modules["numpy"] = None

TEXTS = ["the quick brown fox", "jumps over", "a lazy dog", "", "caf\u00e9 \U0001f600", "two\nlines", "a\0b"]


@functools.lru_cache(maxsize=None)
def tiny_model():
    """The path of a small model with prompts."""
    path = os.path.join(WORK, "tiny.gguf")
    subprocess.run([os.path.join(BUILD, "tools", "mkmodel"), "tiny", path, "--head"], check=True)
    return path


def command(*arguments, text=None):
    """What the command quern prints, in bytes."""
    return subprocess.run([os.path.join(BUILD, "quern"), *arguments], check=True, stdout=subprocess.PIPE,
                          input=text).stdout


def command_vectors(texts, *options):
    """The bytes of the vectors that the command makes."""
    return command("embed", "--quiet", "-f", "f32", "--null", "-m", tiny_model(), *options,
                   text=b"".join(text.encode() + b"\0" for text in texts))


def run_python(program, *arguments, timeout=60):
    """Runs a program in a Python of its own. It has the path of the model in sys.argv[1]."""
    return subprocess.run([sys.executable, "-c", program, tiny_model(), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=timeout)


def in_child(function):
    """Whether the function returns True in a child made by fork()."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that waits for ever fails
        status = 1
        try:
            status = 0 if function() else 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0
