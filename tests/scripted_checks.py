"""What tests of the command in Python share: named checks in TAP, and calls of the command."""
import os
import subprocess
import sys

QUERN, MKMODEL = (os.path.realpath(path) for path in sys.argv[1:3])
number = 0
failed = False


def check(name, holds, shown=""):
    global number, failed
    number += 1
    failed |= not holds
    print("%sok %d - %s%s" % ("" if holds else "not ", number, name, "" if holds else "\n# %s" % str(shown)[:1500]))


def quern(*arguments, code=0):
    done = subprocess.run([QUERN, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        raise SystemExit("Bail out! quern %s: %s" % (" ".join(arguments), done.stderr))
    return done


def end():
    """Prints the plan, and returns the exit status of the test."""
    print("1..%d" % number)
    return 1 if failed else 0
