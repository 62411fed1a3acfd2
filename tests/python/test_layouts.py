"""The structures of the package have the layout that the compiler gives them."""
import ctypes
import subprocess
import sys
import unittest

import trial  # noqa: F401
from quern import _errors, _library


class Layouts(unittest.TestCase):
    def setUp(self):
        lines = subprocess.run([PRINT_LAYOUTS], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        self.facts = [line.split() for line in lines]

    def of_kind(self, kind):
        return [fact[1:] for fact in self.facts if fact[0] == kind]

    def test_sizes(self):
        declared = {name: ctypes.sizeof(kind) for name, kind in vars(_library).items()
                    if isinstance(kind, type) and issubclass(kind, ctypes.Structure) and kind is not ctypes.Structure}
        self.assertEqual(declared, {name: int(size) for name, size in self.of_kind("struct")})

    def test_fields(self):
        for name, _ in self.of_kind("struct"):
            declared = [[field, str(getattr(getattr(_library, name), field).offset),
                         str(getattr(getattr(_library, name), field).size)]
                        for field, *_ in getattr(_library, name)._fields_]
            self.assertEqual(declared, [fact[1:] for fact in self.of_kind("field") if fact[0] == name], name)

    def test_constants(self):
        constants = self.of_kind("constant")
        self.assertGreater(len(constants), 10)
        for name, value in constants:
            short = name[len("QUERN_"):]
            self.assertEqual(getattr(_errors, short, getattr(_library, short, None)), int(value), name)


if __name__ == "__main__":
    PRINT_LAYOUTS = sys.argv.pop(1)
    unittest.main()
