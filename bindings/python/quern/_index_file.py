"""An index file in this process: what is in it, as it was when it was opened, and the right to change it."""
from __future__ import annotations

import ctypes
import os
import threading
from typing import Any, Iterator, List, NamedTuple, Optional, Union

from ._errors import EINVAL, InputError
from ._forking import follow, opening
from ._index_rows import Rows, name_of
from ._library import (DTYPE_F16, INDEX_NAMES, bytes_of, check, lib, quern_error, quern_hit, quern_index_info,
                       quern_index_options, quern_index_row, quern_search_options, quern_search_result,
                       quern_searcher_options, sized)
from ._model import Handle

CALL_QUERIES = 64  # of a call of the library at most

Id = Union[int, str]


class Hit(NamedTuple):
    """A row that was found."""

    id: Id
    score: float  #: the dot product of query and vector; the cosine, if both have length 1
    payload: bytes  #: b"" when the row has none

    @property
    def text(self) -> str:
        """The payload as a text; bytes that are no UTF-8 are replaced."""
        return self.payload.decode("utf-8", "replace")


class Row(NamedTuple):
    """A row without its vector."""

    id: Id
    payload: bytes  #: b"" when the row has none

    @property
    def text(self) -> str:
        """The payload as a text; bytes that are no UTF-8 are replaced."""
        return self.payload.decode("utf-8", "replace")


class Hits(List[Hit]):
    """The hits of a query, the best first."""

    certified: bool  #: whether it is certain that no other row has a better score
    scored: int  #: rows whose vector was read


class IndexInfo(NamedTuple):
    """What an index is."""

    dimensions: int
    ids: str  #: "numbers" or "names"
    space: str  #: of the vectors, as Embedder.space names it; "" when it is not known
    dtype: str  #: how vectors are stored: "f32" or "f16"
    bits: bool  #: whether searches with oversampling are possible
    count: int  #: rows
    blocks: int  #: parts of the file; compact joins them
    bytes: int  #: of the file


class Opened:
    """An open index with its searcher: one state of the file."""

    def __init__(self, path: bytes, threads: int):
        self.lock = threading.RLock()  # a searcher is used by one thread at a time
        self.users = 1  # the Index, as long as this is its newest state, and searches
        self.index: Handle = None
        self.searcher: Handle = None
        self.most_hits = self.most_scored = 0
        self.threads = threads
        error, handle = quern_error(), ctypes.c_void_p()
        with opening:
            check(lib.quern_index_open(ctypes.byref(handle), path, error), error)
        self.index = handle.value
        info = sized(quern_index_info)
        check(lib.quern_index_describe(self.index, info, error), error)
        self.is_named = info.ids == INDEX_NAMES
        self.places: int = info.places
        self.info = IndexInfo(info.dimensions, "names" if self.is_named else "numbers", info.space.decode(),
                              "f16" if info.rows == DTYPE_F16 else "f32", bool(info.bits), info.count, info.blocks,
                              info.bytes)
        follow(self)

    def opened_index(self) -> Handle:
        """The index; the lock must be held."""
        if self.index is None:
            raise closed()
        return self.index

    def searcher_for(self, hits: int, scored: int) -> Handle:
        """A searcher that gives so many hits; the lock must be held."""
        index = self.opened_index()
        if self.searcher is None or hits > self.most_hits or scored > self.most_scored:
            self.most_hits, self.most_scored = max(hits, self.most_hits, 100), max(scored, self.most_scored, 2048)
            options = sized(quern_searcher_options, threads=self.threads, most_hits=self.most_hits,
                            most_queries=CALL_QUERIES, most_scored=self.most_scored)
            old, self.searcher = self.searcher, None
            lib.quern_searcher_free(old)
            error, handle = quern_error(), ctypes.c_void_p()
            check(lib.quern_searcher_new(ctypes.byref(handle), index, options, error), error)
            self.searcher = handle.value
        return self.searcher

    def bitmap(self, rows: Rows) -> Any:
        """The places of rows, as the library takes them."""
        words, error = (ctypes.c_uint64 * max(1, (self.places + 63) // 64))(), quern_error()
        with self.lock:
            check(lib.quern_index_select(self.opened_index(), rows.array, rows.count, words, error), error)
        return words

    def places_of(self, rows: Optional[Rows]) -> Iterator[int]:
        """The places of rows; None: of all, and of removed ones."""
        if rows is None:
            yield from range(self.places)
            return
        for start, word in enumerate(self.bitmap(rows)):
            while word != 0:
                yield 64 * start + (word & -word).bit_length() - 1
                word &= word - 1

    def row(self, place: int) -> Optional[Row]:
        """The row at a place; None: it was removed."""
        error, row = quern_error(), quern_index_row()
        with self.lock:
            code = lib.quern_index_get(self.opened_index(), place, row, error)
            if code == EINVAL:
                return None
            check(code, error)
            return Row(self.id_of(row), bytes_of(row.payload))

    def id_of(self, row: quern_index_row) -> Id:
        return name_of(bytes_of(row.name)) if self.is_named else row.number

    def search(self, address: int, count: int, options: quern_search_options, first: int) -> List[Hits]:
        """The hits of count queries in memory. first: the position of the first one among all."""
        hits, results = (quern_hit * (count * options.hits))(), (quern_search_result * count)()
        error, row, all_found = quern_error(), quern_index_row(), []
        with self.lock:
            searcher = self.searcher_for(options.hits, options.hits * options.oversampling)
            check(lib.quern_search(searcher, address, count, options, hits, results, error), error, first)
            for query, result in enumerate(results):
                found = Hits()
                for hit in hits[query * options.hits:query * options.hits + result.hits]:
                    check(lib.quern_index_get(self.index, hit.place, row, error), error)
                    found.append(Hit(self.id_of(row), hit.score, bytes_of(row.payload)))
                found.certified, found.scored = bool(result.certified), result.scored
                all_found.append(found)
        return all_found

    def close(self) -> None:
        with self.lock:
            index, self.index = self.index, None
            searcher, self.searcher = self.searcher, None
        lib.quern_searcher_free(searcher)
        if index is not None:
            with opening:
                lib.quern_index_close(index)

    __del__ = close

    def after_fork(self) -> None:
        """In the child: the threads of the searcher are not there, so nothing can be used or freed."""
        self.lock = threading.RLock()
        self.index = self.searcher = None


class Writer:
    """The right to change a file. What was not committed when it ends is forgotten."""

    def __init__(self, path: bytes, options: quern_index_options, creates: bool):
        self.writer: Handle = None
        self.process = os.getpid()
        error, handle = quern_error(), ctypes.c_void_p()
        start = lib.quern_index_create if creates else lib.quern_index_change
        with opening:
            check(start(ctypes.byref(handle), path, options, error), error)
        self.writer = handle.value

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def close(self) -> None:
        """In the child of a fork() it does nothing: the threads of the writer are the parent's."""
        writer, self.writer = self.writer, None
        if writer is not None and self.process == os.getpid():
            with opening:
                lib.quern_index_writer_free(writer)

    __del__ = close

    def add(self, rows: Rows, address: int, first: int) -> None:
        error = quern_error()
        check(lib.quern_index_add(self.writer, rows.array, address, rows.count, error), error, first)

    def remove(self, rows: Rows, first: int) -> int:
        error, removed = quern_error(), ctypes.c_size_t()
        check(lib.quern_index_remove(self.writer, rows.array, rows.count, ctypes.byref(removed), error), error,
              first, "ids")
        return removed.value

    def commit(self) -> None:
        error = quern_error()
        check(lib.quern_index_commit(self.writer, error), error)

    def rest(self) -> None:
        """Lets others change the file, but keeps what it knows of the ids."""
        error = quern_error()
        check(lib.quern_index_rest(self.writer, error), error)

    def resume(self) -> bool:
        """Whether it may go on: the file is still as it has left it."""
        with opening:
            return lib.quern_index_resume(self.writer, quern_error()) == 0


def closed() -> InputError:
    return InputError("the index was closed")
