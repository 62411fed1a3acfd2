#!/usr/bin/env python3
"""Prints what is in the files of a release (software bill of materials), as SPDX 2.3 in JSON.

usage: tools/release/bill.py RELEASE FILE...
RELEASE is the folder of tools/release/build.sh. The FILEs are packages: .deb, .tar.gz, .whl, .tgz, .zip. The time is
$SOURCE_DATE_EPOCH.
"""
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import uuid

from linked import linked, linked_for_windows

# The licences of the libraries, by source package of Debian, as far as their code is part of the command.
LICENCES = {
    "curl": "curl",
    "gcc": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "gcc-mingw-w64": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "glibc": "LGPL-2.1-or-later",
    "jansson": "MIT",
    "libevent": "BSD-3-Clause",
    "libmd": "BSD-3-Clause AND BSD-2-Clause AND ISC AND Beerware",
    "libzstd": "BSD-3-Clause OR GPL-2.0-only",
    "lz4": "BSD-2-Clause",
    "mingw-w64": "ZPL-2.1 AND MIT AND BSD-3-Clause",
    "zlib": "Zlib",
}

# The linker's maps of what the packages for Windows have.
WINDOWS_MAPS = {r"-windows-x86_64\.zip$": "quern.map", r"-win_amd64\.whl$": "quern-dll.map",
                r"^quern-win32-x64-[\d.]+\.tgz$": "quern-node.map"}


def package(identifier, name, version, licence, **more):
    return {"SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", identifier), "name": name, "versionInfo": version,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False, "licenseConcluded": licence,
            "licenseDeclared": licence, "copyrightText": "NOASSERTION", **more}


def library(entry, architecture):
    """The package of a library of Debian: entry is (package, version, source)."""
    name, version, source = entry
    licence = LICENCES[re.sub(r"^gcc-\d+$", "gcc", source)]
    locator = "pkg:deb/debian/%s@%s?arch=%s" % (name, version, architecture)
    return package("%s-%s" % (name, architecture), source, version, licence,
                   externalRefs=[{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                                  "referenceLocator": locator}])


def artefact(path, version):
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    name = os.path.basename(path)
    return package("file-" + name, name, version, "MIT AND CC-BY-SA-4.0" if has_starter(name) else "MIT",
                   packageFileName=name, checksums=[{"algorithm": "SHA256", "checksumValue": digest}])


def has_starter(name):
    """Whether the starter model is in a file of this name."""
    if name.endswith(".deb"):
        return name.startswith("quern-starter_")
    return not re.fullmatch(r"quern-[\d.]+\.tgz", name)


def has_code(name):
    """Whether compiled code of quern is in a file of this name."""
    return not name.startswith("quern-starter_")


def linked_into(release, name):
    """What is linked into the program or library in a file of this name: [((package, version, source),
    architecture)]."""
    link_map = next((link_map for end, link_map in WINDOWS_MAPS.items() if re.search(end, name)), None)
    if link_map is not None: # built from sources, or of the cross compiler
        build = os.path.join(release, "windows-x86_64")
        entries = sorted(linked_for_windows(os.path.join(build, link_map), build + "-libraries"))
        return [(entry, "source" if entry[0] == entry[2] else "amd64") for entry in entries]
    command = re.search(r"-linux-(x86_64|aarch64)\.tar\.gz$", name)
    if command is None:
        return []
    build, sysroot = (os.path.join(release, start + command[1]) for start in ("", "sysroot-"))
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[command[1]]
    return [(entry, architecture) for entry in sorted(linked(os.path.join(build, "quern.map"), sysroot))]


def bill(release, paths, version, seconds):
    quern = package("quern", "quern", version, "MIT")
    starter = package("starter", "quern starter model", version, "CC-BY-SA-4.0")
    packages, relations = {each["SPDXID"]: each for each in (quern, starter)}, []

    def relate(one, kind, other):
        relations.append({"spdxElementId": one["SPDXID"], "relationshipType": kind,
                          "relatedSpdxElement": other["SPDXID"]})

    document = {"SPDXID": "SPDXRef-DOCUMENT"}
    for path in paths:
        file = artefact(path, version)
        packages[file["SPDXID"]] = file
        relate(document, "DESCRIBES", file)
        for holds, part in (has_code, quern), (has_starter, starter):
            if holds(file["name"]):
                relate(file, "CONTAINS", part)
        for entry, architecture in linked_into(release, file["name"]):
            part = library(entry, architecture)
            packages[part["SPDXID"]] = part
            relate(file, "STATIC_LINK", part)
    digests = "".join(each["checksums"][0]["checksumValue"] for each in packages.values() if "checksums" in each)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": document["SPDXID"], "name": "quern-" + version,
        "documentNamespace": "urn:uuid:%s" % uuid.uuid5(uuid.NAMESPACE_OID, digests),
        "creationInfo": {"created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)),
                         "creators": ["Tool: quern-bill.py-" + version]},
        "packages": list(packages.values()), "relationships": relations,
    }


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    version = subprocess.run([os.path.join(os.path.dirname(__file__), "../version.sh")], check=True,
                             capture_output=True, text=True).stdout.strip()
    print(json.dumps(bill(sys.argv[1], sys.argv[2:], version, int(os.environ["SOURCE_DATE_EPOCH"])), indent=1))


if __name__ == "__main__":
    main()
