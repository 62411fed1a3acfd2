"""Connections with the extension of the build directory, QUERN_BUILD."""
import os
import sqlite3

EXTENSION = os.path.join(os.environ["QUERN_BUILD"], "bindings", "sqlite", "quern0")


def connect(extension=EXTENSION, path=":memory:"):
    connection = sqlite3.connect(path, check_same_thread=False)
    connection.enable_load_extension(True)
    connection.load_extension(extension)
    connection.enable_load_extension(False)
    return connection


def one(connection, sql, *arguments):
    """The first value of the first row."""
    return connection.execute(sql, arguments).fetchone()[0]


def mapped(path):
    """How many parts of a file this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return sum(line.rstrip().endswith(path) for line in maps)
