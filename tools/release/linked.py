#!/usr/bin/env python3
"""Prints the packages of Debian whose static libraries are linked into a command: lines "PACKAGE VERSION SOURCE".

usage: tools/release/linked.py MAP SYSROOT | MAP LIBRARIES
MAP is the linker's; SYSROOT was made by tools/release/sysroot.sh. The libraries that the compiler brings are counted as
those of the package gcc-N-base. The objects of quern are none of them. LIBRARIES was made by
tools/windows-libraries.sh: what was built from a source package is named by it, and other libraries by the packages
that are installed.
"""
import os
import re
import subprocess
import sys

MEMBER = re.compile(r"^(\S+\.a)\(\S+\)$|^LOAD (\S+\.o)$", re.MULTILINE)  # of an archive; or an object at the start
COMPILER = re.compile(r"^(libgcc|libgcc_eh|crt\w*)\.[ao]$")


def archives(map_path):
    """The paths of the archives and objects that the linker took parts of."""
    with open(map_path, encoding="utf-8") as text:
        return {one or other for one, other in MEMBER.findall(text.read())}


# The source packages of the libraries that are built for Windows.
BUILT = {"libcurl.a": "curl", "libevent_core.a": "libevent", "libjansson.a": "jansson", "liblz4.a": "lz4",
         "libmd.a": "libmd", "libzlib.a": "zlib", "libzstd.a": "libzstd"}


def installed(path):
    """The package of Debian that has a file of this machine."""
    answer = subprocess.run(["dpkg-query", "-S", path], check=True, capture_output=True, text=True).stdout
    form = "${Package} ${Version} ${source:Package}"
    return tuple(subprocess.run(["dpkg-query", "-W", "-f", form, answer.split(":")[0]], check=True,
                                capture_output=True, text=True).stdout.split(" "))


def linked_for_windows(map_path, libraries):
    """The set of (package, version, source). What was built from a source is its own package."""
    inside = os.path.join(os.path.realpath(libraries), "lib") + "/"
    found = set()
    for path in map(os.path.realpath, filter(os.path.isabs, archives(map_path))):
        if not path.startswith(inside):
            found.add(installed(path))
            continue
        source = BUILT[path[len(inside):]]
        with open(os.path.join(libraries, "built", source), encoding="utf-8") as version:
            found.add((source, version.read().strip(), source))
    return found


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
    for path in archives(map_path):
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
    is_for_windows = not os.path.exists(os.path.join(sys.argv[2], "packages"))
    for entry in sorted((linked_for_windows if is_for_windows else linked)(sys.argv[1], sys.argv[2])):
        print(*entry)
