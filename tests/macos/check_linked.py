#!/usr/bin/env python3
"""Looks at what is linked for macOS, from outside: no Mac is needed.

usage: check_linked.py library FILE HEADER...   the library: what it shows is what the headers declare
       check_linked.py program FILE...          the command and test programs
"""
import re
import struct
import sys

SYSTEM = {"/usr/lib/libSystem.B.dylib"}
OLDEST = (11, 0)  # macOS
# What Homebrew has, and macOS itself, for the command. libcurl is loaded for a download only.
LIBRARIES = SYSTEM | {"/usr/lib/libz.1.dylib"} | {"/opt/homebrew/opt/" + path for path in (
    "cmocka/lib/libcmocka.0.dylib", "jansson/lib/libjansson.4.dylib", "libevent/lib/libevent_core-2.1.7.dylib",
    "libmd/lib/libmd.0.dylib", "lz4/lib/liblz4.1.dylib", "zstd/lib/libzstd.1.dylib")}
LINKER = {"_mh_dylib_header", "__dso_handle"}  # names that Zig's linker makes
NAME = "@rpath/libquern.0.dylib"


def version(number):
    return number >> 16, number >> 8 & 255


class Linked:
    """A Mach-O file: what it shows, what it loads, and how it is marked."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        magic, _, _, _, commands = struct.unpack_from("<5I", data)
        assert magic == 0xFEEDFACF, "%s is no Mach-O file of 64 bits" % path
        self.shown, self.loaded, self.name, self.oldest, self.is_signed = set(), set(), None, None, False
        place = 32
        for _ in range(commands):
            command, size = struct.unpack_from("<2I", data, place)
            if command == 2:  # LC_SYMTAB
                self.read_symbols(data, *struct.unpack_from("<3I", data, place + 8))
            elif command & ~0x80000000 in (0xC, 0xD, 0x18, 0x1F, 0x20):  # LC_LOAD_DYLIB and its like, LC_ID_DYLIB
                offset, = struct.unpack_from("<I", data, place + 8)
                name = data[place + offset:place + size].split(b"\0")[0].decode()
                if command == 0xD:
                    self.name = name
                else:
                    self.loaded.add(name)
            elif command == 0x32:  # LC_BUILD_VERSION
                self.oldest = version(struct.unpack_from("<I", data, place + 12)[0])
            elif command == 0x1D:  # LC_CODE_SIGNATURE
                self.is_signed = True
            place += size
        self.is_arm = struct.unpack_from("<I", data, 4)[0] == 0x0100000C

    def read_symbols(self, data, symbols, count, strings):
        for i in range(count):
            name, kind, section, _, _ = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
            if kind & 1 and not kind & 0x10 and section:  # external, not private, defined
                end = data.index(0, strings + name)
                self.shown.add(data[strings + name:end].decode().removeprefix("_"))


def check(path, allowed):
    """What is wrong with any file, as a list of lines."""
    linked = Linked(path)
    wrong = []
    if linked.loaded - allowed:
        wrong.append("%s needs %s" % (path, " ".join(sorted(linked.loaded - allowed))))
    if linked.oldest != OLDEST:
        wrong.append("%s is for macOS %s" % (path, linked.oldest))
    if linked.is_arm and not linked.is_signed:  # Apple's processors refuse to run it
        wrong.append("%s has no signature" % path)
    return linked, wrong


def check_library(path, headers):
    linked, wrong = check(path, SYSTEM)
    declared = set()
    for header in headers:
        with open(header, encoding="utf-8") as file:
            declared |= set(re.findall(r"^QUERN_API[^\n]*[ *](quern_[a-z0-9_]*)\(", file.read(), re.MULTILINE))
    if declared - linked.shown:
        wrong.append("not shown: %s" % " ".join(sorted(declared - linked.shown)))
    others = linked.shown - declared - LINKER
    if others:
        wrong.append("shown, but not declared: %s" % " ".join(sorted(others)))
    if linked.name != NAME:
        wrong.append("the library calls itself %s, not %s" % (linked.name, NAME))
    return wrong


def main():
    kind, files = sys.argv[1], sys.argv[2:]
    if kind == "library":
        wrong = check_library(files[0], files[1:])
    else:
        wrong = [line for path in files for line in check(path, LIBRARIES)[1]]
    for line in wrong:
        print(line, file=sys.stderr)
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
