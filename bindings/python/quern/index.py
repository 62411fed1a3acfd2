"""Index: vectors in a file, found again by exact search."""
from __future__ import annotations

import collections.abc
import contextlib
import ctypes
import os
import threading
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from ._errors import InputError, InputTypeError
from ._forking import follow
from ._index_file import CALL_QUERIES, Hits, Id, IndexInfo, Opened, Row, Writer, closed
from ._index_rows import Matrix, Rows, are_names, list_of
from ._library import (DTYPE_F16, DTYPE_F32, INDEX_NAMES, INDEX_NUMBERS, MOST_THREADS, SEARCH_MOST_HITS, check, lib,
                       quern_error, quern_index_options, quern_search_options, sized)
from .embedder import Embedder, whole_number

CALL_ROWS = 1024  # of a call of the library at most: Python handles Ctrl-C between calls

_KEEPS_OPEN_FILES = os.name == "nt"  # Windows replaces no file that is open

_ROWS_AS = {"f32": DTYPE_F32, "f16": DTYPE_F16}

Path = Union[str, "os.PathLike[str]"]


class Index:
    """An index file: rows of an id, a vector and perhaps a payload, such as the text that the vector belongs to. Search
    compares a query with every row, so nothing is missed. Files of the command `quern index` are such files, too.

    path: of a file that is there (Index.build makes one). embedder: whose space the vectors have; with it, texts may be
    searched and added. threads: that search, at most 256; None: as many CPUs as the process may use.

    Ids are numbers from 0 to 2**64 - 1 in one index, and str in another. What is added or removed is in the file, and
    on the disk, when the call returns; when it raises, the file is as it was. Changes of other programs are seen after
    refresh().

    Any number of Python threads may use it at once: searches take turns, as each has all threads, and so do changes.
    It may be pickled, which keeps the path and the embedder, and used after fork(). close(), or leaving a with block,
    gives its memory back.

    >>> import os, quern, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "fruit.qidx")
    >>> model = quern.Embedder("starter")
    >>> texts = ["a red apple", "the tax office", "a train to Paris"]
    >>> with quern.Index.build(path, texts, ids=["apple", "tax", "train"], embedder=model) as index:
    ...     hits = index.search("ripe fruit", k=2)
    >>> hits[0].id, hits[0].text, hits.certified
    ('apple', 'a red apple', True)
    """

    def __init__(self, path: Path, embedder: Optional[Embedder] = None, threads: Optional[int] = None):
        self._path = _path_bytes(path)
        self._threads = None if threads is None else whole_number("threads", threads, 1, MOST_THREADS)
        self._embedder = _checked_embedder(embedder)
        self._is_closed = False
        self._restart = threading.RLock()
        self._changing = threading.RLock()
        self._opened: Optional[Opened] = None
        self._resting: Optional[Writer] = None  # of the last change
        self._unused = threading.Condition()  # of the numbers of users, and of states that are open
        self._states = 0
        follow(self)
        self._state()

    @classmethod
    def build(cls, path: Path, inputs: Any, ids: Optional[Iterable[Id]] = None,
              payloads: Optional[Iterable[Union[str, bytes, None]]] = None, *, embedder: Optional[Embedder] = None,
              space: Optional[str] = None, dtype: str = "f32", bits: bool = False,
              threads: Optional[int] = None) -> "Index":
        """Makes a file of vectors or texts, and opens it. A file of this name is replaced.

        inputs: vectors of shape [n][dimensions], float32 (an array of it is not copied; other floating-point numbers
        are rounded), or texts, which embedder embeds as documents. ids: n int or n str; None: 0 to n - 1. payloads: for
        each row a str, bytes or None; None: the texts, if inputs are texts. space: of vectors, as Embedder.space names
        it; None: that of embedder. dtype: "f32", or "f16", which stores vectors in half the room and rounds them. bits:
        store a bit of each number, too, for searches with oversampling. threads: also of the open index.

        Raises InputError with the index of the row at fault; then there is no new file.
        """
        source = _Source(inputs, _checked_embedder(embedder))
        listed = list(range(source.count)) if ids is None else list_of("ids", ids)
        if dtype not in _ROWS_AS:
            raise InputError("dtype must be 'f32' or 'f16'")
        if source.columns == 0:
            raise InputError("inputs must be texts, or vectors of shape [n][dimensions], so that the dimensions of the "
                             "index are known")
        named = are_names(listed)
        options = sized(quern_index_options, dimensions=source.columns, ids=INDEX_NAMES if named else INDEX_NUMBERS,
                        space=_space_bytes(source.space if space is None else space), rows=_ROWS_AS[dtype],
                        bits=int(bool(bits)),
                        threads=0 if threads is None else whole_number("threads", threads, 1, MOST_THREADS))
        with Writer(_path_bytes(path), options, True) as writer:
            _add(writer, source, listed, payloads, named)
            writer.commit()
        return cls(path, embedder, threads)

    # ------------------------------------------------------------ what it is

    @property
    def path(self) -> str:
        """The file."""
        return os.fsdecode(self._path)

    @property
    def info(self) -> IndexInfo:
        """Dimensions, space, number of rows and more."""
        return self._state().info

    def __len__(self) -> int:
        return self.info.count

    def rows(self, only: Optional[Iterable[Id]] = None) -> Iterator[Row]:
        """Every Row of the index, an id and a payload, in the order in which they were added; with ids in `only`, those
        of them that are there. They are those of the file as it was opened last.

        >>> import os, quern, tempfile
        >>> index = quern.Index.build(os.path.join(tempfile.mkdtemp(), "a.qidx"), [[1.0], [2.0]], payloads=["a", "b"])
        >>> [row.id for row in index.rows()], [row.text for row in index.rows([1, 7])]
        ([0, 1], ['b'])
        """
        state = self._state()
        rows = self._rows(None if only is None else Rows(list_of("only", only), None, state.is_named, what="only"))
        return iter(list(rows)) if _KEEPS_OPEN_FILES else rows  # compact must not wait for who reads rows

    def __contains__(self, id: Id) -> bool:
        return any(True for _ in self.rows([id]))

    def refresh(self) -> None:
        """Opens the file again, so that changes of other programs are seen."""
        with self._restart:
            old, self._opened = self._state(), self._open()
            self._leave(old)

    def check(self) -> None:
        """Reads the whole file and compares it with its checksums. Raises Error, which names the damaged part."""
        error = quern_error()
        with self._using() as state, state.lock:
            check(lib.quern_index_check(state.opened_index(), error), error)

    def close(self) -> None:
        """Gives the memory back; later calls raise InputError. Searches of other threads end first."""
        with self._restart:
            self._is_closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()
            self._leave(opened)
        with self._changing:
            self._resting = None

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __reduce__(self) -> Any:
        return Index, (self.path, self._embedder, self._threads)

    # ------------------------------------------------------------ search

    def search(self, inputs: Any, k: int = 10, *, only: Optional[Iterable[Id]] = None, least: Optional[float] = None,
               space: Optional[str] = None, oversampling: int = 0) -> Any:
        """The k best rows for a query: Hits, a list of Hit with the attributes certified and scored. For a list of
        queries, or vectors of shape [n][dimensions], a list of n Hits.

        inputs: texts, which the embedder embeds as queries, or vectors as build takes them. k: at most 65,536. only:
        ids; no other rows are found. least: only hits with this score or a better one. space: of vectors, which must
        fit the index's; None: the caller knows that it fits. oversampling: 0 is the certified search, whose hits are
        those of comparing every vector. n > 0, in an index with bits: the n * k rows whose bits are most like the
        query's are scored; that is faster, and may miss hits.

        Ctrl-C works after 64 queries at most.
        """
        k = whole_number("k", k, 1, SEARCH_MOST_HITS)
        oversampling = whole_number("oversampling", oversampling, 0, SEARCH_MOST_HITS)
        if k * oversampling > SEARCH_MOST_HITS:
            raise InputError("k times oversampling must be %d at most" % SEARCH_MOST_HITS)
        self._state()
        queries, is_single, own_space = self._queries(inputs)
        found: List[Hits] = []
        with self._using() as state:
            if queries.count > 0 and queries.columns != state.info.dimensions:
                raise InputError("the queries have %d dimensions, and the index %d" % (queries.columns,
                                                                                     state.info.dimensions))
            bitmap = None
            if only is not None:
                bitmap = state.bitmap(Rows(list_of("only", only), None, state.is_named, what="only"))
            options = sized(quern_search_options, hits=k, only=None if bitmap is None else ctypes.addressof(bitmap),
                            space=_space_bytes(own_space if space is None else space), oversampling=oversampling,
                            least=0.0 if least is None else _real(least), has_least=int(least is not None))
            for first in range(0, queries.count, CALL_QUERIES):
                count = min(CALL_QUERIES, queries.count - first)
                found.extend(state.search(queries.address(first), count, options, first))
        return found[0] if is_single else found

    # ------------------------------------------------------------ changes

    def add(self, inputs: Any, ids: Iterable[Id],
            payloads: Optional[Iterable[Union[str, bytes, None]]] = None) -> None:
        """Adds rows; a row whose id is there already replaces that row. inputs and payloads: as build takes them. Add
        many rows at a time: each call waits for the disk, and begins a new part of the file."""
        state = self._state()
        source = _Source(inputs, self._embedder)
        if source.count > 0 and source.columns != state.info.dimensions:
            raise InputError("the vectors have %d dimensions, and the index %d" % (source.columns,
                                                                                 state.info.dimensions))
        if source.space and state.info.space not in ("", source.space):
            raise InputError("the embedder gives vectors of the space %s, and the index has those of %s: vectors of "
                             "different spaces cannot be compared" % (source.space, state.info.space))
        with self._writing(state) as writer:
            _add(writer, source, list_of("ids", ids), payloads, state.is_named)
        self.refresh()

    def remove(self, ids: Iterable[Id]) -> int:
        """Removes the rows with these ids, and returns how many there were; ids that are not there are passed over.
        Rows keep their room until compact."""
        gone, state, removed = list_of("ids", ids), self._state(), 0
        with self._writing(state) as writer:
            for first in range(0, len(gone), CALL_ROWS):
                removed += writer.remove(Rows(gone[first:first + CALL_ROWS], None, state.is_named, first), first)
        self.refresh()
        return removed

    def compact(self) -> None:
        """Writes the file anew without the rows that were removed, and with few parts."""
        self._state()
        error = quern_error()
        with self._changing, self._replaceable():
            check(lib.quern_index_compact(self._path, error), error)
        self.refresh()

    # ------------------------------------------------------------ inside

    def _rows(self, only: Optional[Rows]) -> Iterator[Row]:
        with self._using() as state:
            for row in map(state.row, state.places_of(only)):
                if row is not None:
                    yield row

    def _state(self) -> Opened:
        """The file as it was when it was opened last; in a child after fork() it is opened again."""
        with self._restart:
            if self._is_closed:
                raise closed()
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Opened:
        state = Opened(self._path, self._threads or 0)
        with self._unused:
            self._states += 1
        return state

    def _leave(self, state: Opened) -> None:
        """One user less: the last one closes it."""
        with self._unused:
            state.users -= 1
            is_last = state.users == 0
        if is_last:
            state.close()
            with self._unused:
                self._states -= 1
                self._unused.notify_all()

    @contextlib.contextmanager
    def _replaceable(self) -> Iterator[None]:
        """Closes the file where that is needed: searches that run are finished, and others wait."""
        if not _KEEPS_OPEN_FILES:
            yield
            return
        with self._restart:
            state, self._opened = self._state(), None
            self._leave(state)
            with self._unused:
                self._unused.wait_for(lambda: self._states == 0)
            yield

    @contextlib.contextmanager
    def _using(self) -> Iterator[Opened]:
        """The file as it was when it was opened last, which stays open for the caller."""
        with self._restart:
            state = self._state()
            with self._unused:
                state.users += 1
        try:
            yield state
        finally:
            self._leave(state)

    @contextlib.contextmanager
    def _writing(self, state: Opened) -> Iterator[Writer]:
        """Changes the file, which must be as the state is: another program may have replaced it. What the caller has
        changed is committed at the end. The writer then rests, because a new one reads the ids of all rows."""
        with self._changing:
            writer, self._resting = self._resting, None
            if writer is None or not writer.resume():
                writer = Writer(self._path, sized(quern_index_options, threads=self._threads or 0,
                                                   dimensions=state.info.dimensions,
                                                   ids=INDEX_NAMES if state.is_named else INDEX_NUMBERS), False)
            try:
                yield writer
                writer.commit()
                writer.rest()
            except BaseException:
                writer.close()
                raise
            if not self._is_closed:
                self._resting = writer

    def _queries(self, inputs: Any) -> Tuple[Matrix, bool, str]:
        """Queries in memory, whether it is a single one, and their space, if it is known."""
        inputs = _listed(inputs)
        texts = _texts(inputs)
        if texts is None:
            matrix = Matrix(inputs)
            return matrix, matrix.is_single, ""
        embedder = _needed(self._embedder)
        matrix = Matrix(embedder.encode_query(texts, convert_to_numpy=False))
        return matrix, isinstance(inputs, str), embedder.space("query")

    def after_fork(self) -> None:
        """In the child."""
        self._restart, self._changing = threading.RLock(), threading.RLock()
        self._opened = None
        self._unused, self._states = threading.Condition(), 0
        self._resting = None


class _Source:
    """The vectors of rows, some at a time: of texts, which are embedded then, or in memory."""

    def __init__(self, inputs: Any, embedder: Optional[Embedder]):
        if isinstance(inputs, str):
            raise InputTypeError("inputs must be a list of texts, not a str")
        inputs = _listed(inputs)
        is_empty = isinstance(inputs, list) and len(inputs) == 0
        self.texts = [] if is_empty and embedder is not None else _texts(inputs)
        if self.texts is None:
            self.matrix = Matrix(inputs)
            if self.matrix.is_single and self.matrix.columns > 0:
                raise InputError("inputs must be vectors of shape [n][dimensions], not one vector")
            self.count, self.columns = self.matrix.count, self.matrix.columns
            self.space = "" if embedder is None else embedder.space("document")
        else:
            self.embedder = _needed(embedder)
            self.count = len(self.texts)
            self.columns = self.embedder.get_sentence_embedding_dimension()
            self.space = self.embedder.space("document")

    def part(self, first: int, count: int) -> Tuple[Matrix, int]:
        """A matrix, and the address of the row `first` in it."""
        if self.texts is None:
            return self.matrix, self.matrix.address(first)
        try:
            part = Matrix(self.embedder.encode_document(self.texts[first:first + count], convert_to_numpy=False))
        except InputError as error:
            if error.index is not None:
                error.index += first
            raise
        return part, part.address(0)


def _add(writer: Writer, source: _Source, ids: Sequence[Id], payloads: Optional[Iterable[Any]], named: bool) -> None:
    listed = source.texts if payloads is None else list_of("payloads", payloads)
    for what, found in (("ids", ids), ("payloads", listed)):
        if found is not None and len(found) != source.count:
            raise InputError("there are %d inputs and %d %s" % (source.count, len(found), what))
    for first in range(0, source.count, CALL_ROWS):
        part = slice(first, min(first + CALL_ROWS, source.count))
        rows = Rows(ids[part], None if listed is None else listed[part], named, first)
        matrix, address = source.part(first, rows.count)
        writer.add(rows, address, first)
        del matrix


def _listed(inputs: Any) -> Any:
    """Inputs as build and search take them, read once: arrays of numbers as they are, and others as a list. A column of
    a table may hold texts or vectors as objects."""
    if getattr(getattr(inputs, "dtype", None), "kind", "") in ("U", "O") and getattr(inputs, "ndim", 0) == 1:
        return inputs.tolist()
    is_whole = isinstance(inputs, (str, collections.abc.Mapping)) or _is_array(inputs)
    return inputs if is_whole or not hasattr(inputs, "__iter__") else list(inputs)


def _is_array(inputs: Any) -> bool:
    if hasattr(inputs, "dtype") or hasattr(inputs, "__array__") or hasattr(inputs, "__array_interface__"):
        return True
    try:
        memoryview(inputs)
    except TypeError:
        return False
    return True


def _texts(inputs: Any) -> Optional[Sequence[str]]:
    """The texts, if inputs are texts, which the first one tells."""
    if isinstance(inputs, str):
        return [inputs]
    return inputs if isinstance(inputs, list) and len(inputs) > 0 and isinstance(inputs[0], str) else None


def _needed(embedder: Optional[Embedder]) -> Embedder:
    if embedder is None:
        raise InputError("texts need an embedder: give one to Index, or give vectors")
    return embedder


def _checked_embedder(embedder: Any) -> Optional[Embedder]:
    if embedder is not None and not isinstance(embedder, Embedder):
        raise InputTypeError("embedder must be a quern.Embedder, not %s" % type(embedder).__name__)
    return embedder


def _path_bytes(path: Any) -> bytes:
    if not isinstance(path, (str, os.PathLike)):
        raise InputTypeError("path must be a path, not %s" % type(path).__name__)
    try:
        encoded = os.path.abspath(os.fsencode(path))
    except UnicodeEncodeError:
        raise InputError("the path of an index cannot have a lone surrogate") from None
    if b"\0" in encoded:
        raise InputError("the path of an index cannot have a NUL")
    return encoded


def _space_bytes(space: Any) -> bytes:
    if not isinstance(space, str):
        raise InputTypeError("space must be a str, not %s" % type(space).__name__)
    encoded = space.encode("utf-8", "replace")
    if b"\0" in encoded:
        raise InputError("the name of a space cannot have a NUL")
    return encoded


def _real(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputTypeError("least must be a number, not %s" % type(value).__name__) from None
