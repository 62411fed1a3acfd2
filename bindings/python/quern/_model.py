"""An open model, shared by all threads of the process.

A context of the library belongs to one thread at a time. So a pool has a few of them; a call of the library takes one,
and gives it back when it returns. Who waits for one gets it in turn: a thread that embeds a million texts, some at a
time, holds up no other.
"""
from __future__ import annotations

import collections
import ctypes
import os
import threading
import weakref
from typing import Callable, Deque, List, Optional, TypeVar

from ._errors import InputError
from ._forking import follow, opening
from ._library import (check, lib, quern_context_options, quern_error, quern_model_info, quern_model_options, sized)

T = TypeVar("T")
Handle = Optional[int]  # the address of a quern_model or a quern_context; None: NULL

# Each context computes with all threads. A second one has work while the first waits for Python. More would take
# memory, and no core is idle that they could use.
CONTEXTS = 2

# The locks here may be taken again by the thread that has them, because a collection of garbage may free a model.


class _Slot:
    """The place of a context, which is made at its first use."""

    context: Handle = None


class _Pool:
    """What is open in one process: a model and its contexts."""

    def __init__(self, path: str, threads: int):
        error, handle = quern_error(), ctypes.c_void_p()
        options = sized(quern_model_options, threads=threads)
        with opening:
            check(lib.quern_model_open(ctypes.byref(handle), os.fsencode(path), options, error), error)
        self.model: Handle = handle.value
        self.threads = threads
        self.lock = threading.RLock()
        self.free: List[_Slot] = [_Slot() for _ in range(CONTEXTS)]
        self.waiting: Deque[_Lease] = collections.deque()

    def look(self, function: Callable[[Handle], T]) -> T:
        """Calls a short function with the model, which is not closed meanwhile."""
        with self.lock:
            if self.model is None:
                raise _closed()
            return function(self.model)

    def new_context(self, model: Handle) -> Handle:
        error, handle = quern_error(), ctypes.c_void_p()
        options = sized(quern_context_options, threads=self.threads)
        check(lib.quern_context_new(ctypes.byref(handle), model, options, error), error)
        return handle.value

    def close(self) -> None:
        """Frees what no thread uses; what one uses is freed when it is given back."""
        with self.lock:
            model, self.model = self.model, None
            slots, self.free = self.free, []
            for lease in self.waiting:
                lease.turn.release()
            self.waiting.clear()
        for slot in slots:
            lib.quern_context_free(slot.context)
        with opening:
            lib.quern_model_close(model)


class _Lease:
    """The right to use a context, in turn."""

    def __init__(self, pool: _Pool):
        self.pool = pool
        self.slot: Optional[_Slot] = None
        self.turn = threading.Lock()  # is released when the slot was handed over, or the pool closed
        self.turn.acquire()

    def take(self) -> Handle:
        pool = self.pool
        with pool.lock:
            if pool.model is None:
                raise _closed()
            if pool.free:
                self.slot = pool.free.pop()
            else:
                pool.waiting.append(self)
        if self.slot is None:
            self.turn.acquire()
        if self.slot is None:
            raise _closed()
        if self.slot.context is None:
            self.slot.context = pool.look(pool.new_context)
        return self.slot.context

    def give(self) -> None:
        """May be called at any time, also twice: Ctrl-C may come anywhere."""
        pool = self.pool
        with pool.lock:
            if self in pool.waiting:
                pool.waiting.remove(self)
            slot, self.slot = self.slot, None
            if slot is None:
                return
            if pool.model is None:
                lib.quern_context_free(slot.context)
            elif pool.waiting:
                lease = pool.waiting.popleft()
                lease.slot = slot
                lease.turn.release()
            else:
                pool.free.append(slot)

    __del__ = give


class Model:
    """A model file. After fork() the child opens the file again at its first call."""

    def __init__(self, path: str, threads: int):
        self.path = path
        self.threads = threads
        self.is_closed = False
        self._restart = threading.Lock()
        self._pool: Optional[_Pool] = None
        self._start()
        info = self.look(_describe)
        self.dimensions: int = info.dimensions
        self.context_length: int = info.context_length
        self.notice: Optional[str] = info.notice.decode() if info.notice else None
        follow(self)

    def _start(self) -> _Pool:
        self._pool = pool = _Pool(self.path, self.threads)
        self._end = weakref.finalize(self, _Pool.close, pool)
        self._end.atexit = False  # a process that ends frees everything at once
        return pool

    def _open_pool(self) -> _Pool:
        if self.is_closed:
            raise _closed()
        with self._restart:
            return self._start() if self._pool is None else self._pool  # None: in a child

    def look(self, function: Callable[[Handle], T]) -> T:
        """Calls a short function of the library with the model."""
        return self._open_pool().look(function)

    def use(self, function: Callable[[Handle], T]) -> T:
        """Calls a function of the library with a context."""
        lease = _Lease(self._open_pool())
        try:
            return function(lease.take())
        finally:
            lease.give()

    def close(self) -> None:
        self.is_closed = True
        self._end()

    def after_fork(self) -> None:
        """In the child: what the parent has open can neither be used nor freed."""
        self._end.detach()
        self._pool = None
        self._restart = threading.Lock()


def _describe(model: Handle) -> quern_model_info:
    info, error = sized(quern_model_info), quern_error()
    check(lib.quern_model_describe(model, info, error), error)
    return info


def _closed() -> InputError:
    return InputError("the model was closed")
