"""The tag of the wheel: any Python 3, and the system and machine that the library in it is for."""
import glob
import os
import re
import struct
import subprocess

from setuptools import setup
from setuptools.dist import Distribution
from wheel.bdist_wheel import bdist_wheel

MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}  # as readelf names them, and Python
MAC_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
BUILD_VERSION = 0x32  # the load command that has the oldest macOS


def linux_tag(path):
    """The glibc that a library needs."""
    about = subprocess.run(["readelf", "--file-header", "--version-info", "--wide", path], check=True,
                           capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    machine = MACHINES[re.search(r"^ *Machine: *(.*?) *$", about, re.MULTILINE)[1]]
    needed = max((int(major), int(minor)) for major, minor in re.findall(r"\bGLIBC_(\d+)\.(\d+)", about))
    return "manylinux_%d_%d_%s" % (*needed, machine)


def mac_tag(path):
    """The macOS that a library needs."""
    with open(path, "rb") as file:
        data = file.read()
    machine, commands, place = struct.unpack_from("<4xI8xI", data) + (32,)
    for _ in range(commands):
        command, size, _, oldest = struct.unpack_from("<4I", data, place)
        if command == BUILD_VERSION:
            return "macosx_%d_%d_%s" % (oldest >> 16, oldest >> 8 & 255, MAC_MACHINES[machine])
        place += size
    raise ValueError("%s does not say which macOS it needs" % path)


def platform_tag():
    """Read from the library, which may be for another machine than this one."""
    [path] = glob.glob(os.path.join("quern", "*quern.*"))
    if path.endswith(".dll"):
        return "win_amd64"
    return mac_tag(path) if path.endswith(".dylib") else linux_tag(path)


class Wheel(bdist_wheel):
    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        return "py3", "none", platform_tag()


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


setup(cmdclass={"bdist_wheel": Wheel}, distclass=WithLibrary)
