#!/usr/bin/env python3
"""Prints the packages of Debian whose static libraries are linked into a command: lines "PACKAGE VERSION SOURCE".

usage: tools/release/linked.py MAP SYSROOT
MAP is the linker's; SYSROOT was made by tools/release/sysroot.sh. The libraries that the compiler brings are counted as
those of the package gcc-N-base. The objects of quern are none of them.
"""
import os
import re
import sys

MEMBER = re.compile(r"^(\S+\.a)\(\S+\)$|^LOAD (\S+\.o)$", re.MULTILINE)  # of an archive; or an object at the start
COMPILER = re.compile(r"^(libgcc|libgcc_eh|crt\w*)\.[ao]$")


def linked(map_path, sysroot):
    """The set of (package, version, source)."""
    owners = {}
    with open(os.path.join(sysroot, "packages"), encoding="utf-8") as lines:
        for line in lines:
            package, version, source, path = line.rstrip("\n").split(" ", 3)
            owners[path] = (package, version, source)
    compiler = next(owner for owner in owners.values() if re.fullmatch(r"gcc-\d+-base", owner[0]))
    root = os.path.realpath(os.path.join(sysroot, "root"))
    found = set()
    with open(map_path, encoding="utf-8") as text:
        paths = {one or other for one, other in MEMBER.findall(text.read())}
    for path in paths:
        if not os.path.isabs(path):
            continue  # quern's own
        real = os.path.realpath(path)
        inside = os.path.relpath(real, root)
        if inside in owners:
            found.add(owners[inside])
        elif "/gcc" in real and COMPILER.match(os.path.basename(real)):
            found.add(compiler)
        else:
            sys.exit("tools/release/linked.py: no package is known for %s" % path)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    for entry in sorted(linked(sys.argv[1], sys.argv[2])):
        print(*entry)
