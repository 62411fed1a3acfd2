#!/usr/bin/env python3
"""Checks the files for macOS that no Mac is needed for: the service of launchd, which is started as launchd would start
it but for its socket, and the formula of Homebrew. usage: check_macos_files.py SOURCE-ROOT QUERN"""
import os
import plistlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

root, quern = sys.argv[1], os.path.abspath(sys.argv[2])
work = tempfile.mkdtemp()


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def check_service():
    text = read("server/units/quern.serve.plist.in").replace("@bindir@", os.path.dirname(quern)).replace("@home@", work)
    assert not re.search(r"@\w+@", text), "a place is left open"
    service = plistlib.loads(text.encode())
    assert service["ProgramArguments"][0] == quern
    assert service["Umask"] == 0o077
    assert service["StandardErrorPath"].startswith(work)
    listeners = service["Sockets"]["Listeners"]  # the name that launchd.c asks for
    assert '"Listeners"' in read("server/loop/launchd.c")
    assert listeners["SockNodeName"] == "127.0.0.1" and listeners["SockFamily"] == "IPv4"  # one socket, this machine's
    assert listeners["SockServiceName"].isdigit()

    # With a key from a file, as the comment in the list says.
    variable, path = re.search(r"<key>(\w+)</key><string>(\S*)</string>", text).groups()
    os.makedirs(os.path.dirname(path))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
        file.write("secret\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QUERN_")}
    environment.update(service["EnvironmentVariables"], QUERN_PORT="0", QUERN_NO_SANDBOX="1")
    environment[variable] = path
    server = subprocess.Popen(service["ProgramArguments"], env=environment, stderr=subprocess.PIPE, text=True)
    lines = []
    for line in server.stderr:
        lines.append(line)
        if "ready on" in line:
            server.send_signal(signal.SIGTERM)
    assert server.wait() == 0 and any("1 API keys" in line for line in lines), "".join(lines)


def check_formula():
    made = os.path.join(work, "sources.tar.gz")
    with open(made, "wb") as file:
        file.write(b"sources")
    formula = subprocess.run([os.path.join(root, "tools/release/formula.sh"), "https://quern.example",
                              "https://quern.example/quern-1.tar.gz", made], check=True, capture_output=True,
                             text=True).stdout
    assert not re.search(r"@\w+@", formula), "a place is left open"
    assert 'sha256 "%s"' % subprocess.run(["sha256sum", made], check=True, capture_output=True,
                                          text=True).stdout.split()[0] in formula
    if shutil.which("ruby"):
        subprocess.run(["ruby", "-c"], input=formula, check=True, stdout=subprocess.DEVNULL, text=True)
    # Each library that Meson asks for on macOS, by Homebrew's names, and no other.
    asked = set()
    for folder in (".", "bulk", "cli", "convert", "jobs", "passages", "server"):
        asked |= set(re.findall(r"dependency\('([\w.]+)'", read(folder + "/meson.build")))
    names = {"libcurl": "curl", "libevent_core": "libevent", "liblz4": "lz4", "libzstd": "zstd"}
    asked = {names.get(name, name) for name in asked} - {"threads", "dl", "libpq"}
    named = set(re.findall(r'^  (?:depends_on|uses_from_macos) "([\w-]+)"$', formula, re.MULTILINE))
    assert named == asked, "the formula names %s, Meson asks for %s" % (sorted(named), sorted(asked))
    options = set(re.findall(r"^option\('(\w+)'", read("meson_options.txt"), re.MULTILINE))
    for option in re.findall(r'"-D(\w+)=', formula):
        assert option in options, "there is no option %s" % option


try:
    check_service()
    check_formula()
finally:
    shutil.rmtree(work)
