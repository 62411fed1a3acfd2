#!/usr/bin/env python3
"""Compares what a library for macOS exports with what headers declare. usage: exports.py LIBRARY HEADER..."""
import re
import struct
import sys


def exports(path):
    """The defined symbols of a Mach-O file that others see, without their underscores."""
    with open(path, "rb") as file:
        data = file.read()
    magic, _, _, _, commands = struct.unpack_from("<5I", data)
    assert magic == 0xFEEDFACF, "no Mach-O file of 64 bits"
    names, place = set(), 32
    for _ in range(commands):
        command, size = struct.unpack_from("<2I", data, place)
        if command == 2:  # LC_SYMTAB
            symbols, count, strings, _ = struct.unpack_from("<4I", data, place + 8)
            for i in range(count):
                name, kind, section, _, _ = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
                if kind & 1 and not kind & 0x10 and section:  # external, not private, defined
                    end = data.index(0, strings + name)
                    names.add(data[strings + name:end].decode().removeprefix("_"))
        place += size
    return names


def main():
    declared = set()
    for header in sys.argv[2:]:
        with open(header, encoding="utf-8") as file:
            declared |= set(re.findall(r"^QUERN_API[^\n]*[ *](quern_[a-z0-9_]*)\(", file.read(), re.MULTILINE))
    # The compiler adds functions of its own for what a processor lacks.
    found = {name for name in exports(sys.argv[1]) if name.startswith("quern_")}
    for what, names in (("not exported", declared - found), ("exported, but not declared", found - declared)):
        if names:
            print("%s: %s" % (what, " ".join(sorted(names))), file=sys.stderr)
    return declared != found


if __name__ == "__main__":
    sys.exit(main())
