"""The tag of the wheel: any Python 3, and the machine and the glibc that the library in it needs."""
import os
import platform
import re
import subprocess

from setuptools import setup
from setuptools.dist import Distribution
from wheel.bdist_wheel import bdist_wheel

LIBRARY = os.path.join("quern", "libquern.so")


def platform_tag():
    symbols = subprocess.run(["objdump", "-T", LIBRARY], check=True, capture_output=True, text=True).stdout
    needed = max((int(major), int(minor)) for major, minor in re.findall(r"\bGLIBC_(\d+)\.(\d+)", symbols))
    return "manylinux_%d_%d_%s" % (*needed, platform.machine())


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
