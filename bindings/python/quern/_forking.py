"""What fork() must wait for, and what the child forgets: threads of the library exist in the parent only."""
from __future__ import annotations

import os
import threading
import weakref
from typing import Any

# Held while a file is opened or closed, and by fork(), so that no child inherits a lock of the library that is held.
# It may be taken again by the thread that has it, because a collection of garbage may free what is open.
opening = threading.RLock()

_open: "weakref.WeakSet[Any]" = weakref.WeakSet()


def follow(thing: Any) -> None:
    """From now on thing.after_fork() is called in each child."""
    _open.add(thing)


def _after_fork() -> None:
    opening.release()
    for thing in list(_open):
        thing.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork()
    os.register_at_fork(before=opening.acquire, after_in_parent=opening.release, after_in_child=_after_fork)
