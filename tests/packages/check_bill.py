#!/usr/bin/env python3
"""Checks the list of what is in a release (SPDX 2.3), and SHA256SUMS.

usage: tests/packages/check_bill.py FOLDER BUILD
FOLDER has what tools/release/dist.sh made; BUILD is a build directory, whose dependencies tell what must be named.
"""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile

LICENCES = {"AND", "OR", "WITH", "BSD-2-Clause", "BSD-3-Clause", "Beerware", "CC-BY-SA-4.0", "GCC-exception-3.1",
            "GPL-2.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-or-later", "MIT", "ZPL-2.1", "Zlib", "curl"}
# Dependencies, as Meson names them: the source packages of Debian.
SOURCES = {"jansson": "jansson", "libevent_core": "libevent", "liblz4": "lz4", "libmd": "libmd", "libzstd": "libzstd",
           "zlib": "zlib"}
OF_THE_C_LIBRARY = {"dl", "m", "resolv", "threads"}
NOT_LINKED = {"cmocka", "libcurl", "libpq", "sqlite3"}
NOT_ON_WINDOWS = {"libevent"}

complaints = []


def check(is_true, complaint):
    if not is_true:
        complaints.append(complaint)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_sums(folder, names):
    with open(os.path.join(folder, "SHA256SUMS"), encoding="ascii") as lines:
        sums = dict(reversed(line.rstrip("\n").split("  ", 1)) for line in lines)
    check(sums == {name: digest(os.path.join(folder, name)) for name in names}, "SHA256SUMS is not that of the files")


def check_form(bill):
    """What the specification of SPDX 2.3 demands of a document, of packages and of relationships."""
    check(bill["spdxVersion"] == "SPDX-2.3" and bill["dataLicense"] == "CC0-1.0", "the version or the licence of data")
    check(bill["SPDXID"] == "SPDXRef-DOCUMENT" and bill["name"], "the document has no name")
    check(re.fullmatch(r"[a-z]+:[^#\s]+", bill["documentNamespace"]), "the namespace is no address")
    created = bill["creationInfo"]
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created["created"]), "the time %s" % created["created"])
    check(created["creators"] and all(re.match(r"(Tool|Person|Organization): ", one) for one in created["creators"]),
          "the creators")
    names = [package["SPDXID"] for package in bill["packages"]]
    check(len(set(names)) == len(names), "a name is used twice")
    for package in bill["packages"]:
        name = package["SPDXID"]
        check(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name), "the name %s" % name)
        for field in "name", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText", "versionInfo":
            check(package.get(field), "%s has no %s" % (name, field))
        check(package["filesAnalyzed"] is False, "%s says that its files are described" % name)
        unknown = set(re.findall(r"[^\s()]+", package["licenseConcluded"])) - LICENCES
        check(not unknown, "%s has licences that are not known: %s" % (name, unknown))
    for relation in bill["relationships"]:
        for end in relation["spdxElementId"], relation["relatedSpdxElement"]:
            check(end in names or end == "SPDXRef-DOCUMENT", "a relationship of %s, which is not there" % end)
        check(relation["relationshipType"] in ("DESCRIBES", "CONTAINS", "STATIC_LINK"), "the kind of a relationship")


def parts(bill, name, kind):
    """The packages that the package of a file has such a relationship to."""
    by_id = {package["SPDXID"]: package for package in bill["packages"]}
    return [by_id[relation["relatedSpdxElement"]] for relation in bill["relationships"]
            if relation["relationshipType"] == kind and by_id.get(relation["spdxElementId"], {}).get("name") == name]


def members_of(path):
    """The paths of the files in a tarball or zip."""
    if path.endswith("gz"):
        with tarfile.open(path) as tarball:
            return tarball.getnames()
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def check_contents(bill, folder, names, build):
    described = {package["name"]: package for package in bill["packages"] if "packageFileName" in package}
    check(set(described) == set(names), "the files described are %s" % sorted(described))
    for name, package in described.items():
        check([sum["checksumValue"] for sum in package["checksums"]] == [digest(os.path.join(folder, name))],
              "the digest of %s" % name)
        check(parts(bill, name, "CONTAINS"), "%s contains nothing" % name)
    dependencies = json.loads(subprocess.run(["meson", "introspect", "--dependencies", build], check=True,
                                             capture_output=True).stdout)
    needed = {dependency["name"] for dependency in dependencies} - OF_THE_C_LIBRARY - NOT_LINKED
    check(needed <= set(SOURCES), "dependencies that this test does not know: %s" % (needed - set(SOURCES)))
    libraries = {SOURCES[dependency] for dependency in needed}
    compiler = {"gcc-mingw-w64", "mingw-w64"}
    for name in names:
        if name.endswith("-win_amd64.whl") or name.startswith("quern-win32-"):
            expected = compiler
        elif name.endswith(".zip"):
            expected = (libraries - NOT_ON_WINDOWS) | compiler
        elif name.endswith(".tar.gz"):
            expected = libraries | {"glibc"}
        else:
            continue
        members = members_of(os.path.join(folder, name))
        linked = parts(bill, name, "STATIC_LINK")
        check(expected <= {package["name"] for package in linked}, "%s lacks one of %s" % (name, expected))
        carried = {os.path.basename(member) for member in members if "/linked/" in member}
        named = {re.match(r"pkg:deb/debian/([^@]+)@", package["externalRefs"][0]["referenceLocator"])[1]
                 for package in linked}
        check(carried == named, "%s carries the licences of %s, and has %s" % (name, carried, named))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, build = sys.argv[1:]
    bills = glob.glob(os.path.join(folder, "*.spdx.json"))
    if len(bills) != 1:
        sys.exit("there is not one list, but %d" % len(bills))
    with open(bills[0], encoding="utf-8") as file:
        bill = json.load(file)
    names = set(os.listdir(folder)) - {"SHA256SUMS"}
    check_sums(folder, names)
    check_form(bill)
    check_contents(bill, folder, names - {os.path.basename(bills[0])}, build)
    for complaint in complaints:
        print("%s: %s" % (bills[0], complaint), file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
