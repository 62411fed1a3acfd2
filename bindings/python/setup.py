"""The tag of the wheel: any Python 3, and the machine and the glibc that the library in it needs."""
import os
import re
import subprocess

from setuptools import setup
from setuptools.dist import Distribution
from wheel.bdist_wheel import bdist_wheel

LIBRARY = os.path.join("quern", "libquern.so")
MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}  # as readelf names them, and Python


def platform_tag():
    """Read from the library, which may be for another machine than this one."""
    about = subprocess.run(["readelf", "--file-header", "--version-info", "--wide", LIBRARY], check=True,
                           capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    machine = MACHINES[re.search(r"^ *Machine: *(.*?) *$", about, re.MULTILINE)[1]]
    needed = max((int(major), int(minor)) for major, minor in re.findall(r"\bGLIBC_(\d+)\.(\d+)", about))
    return "manylinux_%d_%d_%s" % (*needed, machine)


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
