"""Rows of an index on their way to the library: ids, payloads, and vectors in memory."""
from __future__ import annotations

import array
import collections.abc
import ctypes
from typing import Any, List, Optional, Sequence, Tuple

from . import _arrays
from ._errors import InputError, InputTypeError
from ._library import INDEX_MOST_NAME, address_of, quern_index_row, quern_text
from .embedder import text_bytes, whole_number

MOST_NUMBER = (1 << 64) - 1


def name_bytes(name: str) -> bytes:
    """A name is bytes in the file; those that are no UTF-8 are lone surrogates in Python, as in names of files."""
    return name.encode("utf-8", "surrogateescape")


def name_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def are_names(ids: Sequence[Any]) -> bool:
    """Whether ids are texts, which the first one tells."""
    return len(ids) > 0 and isinstance(ids[0], str)


def list_of(what: str, values: Any) -> List[Any]:
    """An argument that has a value for each of several rows, as a list. A str is one value."""
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise InputTypeError("%s must be a list, not %s" % (what, type(values).__name__))
    return list(values)


class Rows:
    """Ids and payloads, from the position `first` of all rows of a call on, as the library reads them. what: the
    argument of the call that has the ids."""

    def __init__(self, ids: Sequence[Any], payloads: Optional[Sequence[Any]], named: bool, first: int = 0,
                 what: str = "ids"):
        self.count = len(ids)
        self.array = (quern_index_row * self.count)()
        self._bytes: List[bytes] = []  # that the array points to
        for place, row in enumerate(self.array):
            try:
                if named:
                    row.name = self._text(_name(ids[place]))
                else:
                    row.number = _number(ids[place])
            except InputError as error:
                raise type(error)(error.args[0], index=first + place, what=what) from None
            if payloads is not None:
                row.payload = self._text(_payload(payloads[place], first + place))

    def _text(self, data: bytes) -> quern_text:
        self._bytes.append(data)
        return quern_text(data, len(data))


def _name(name: Any) -> bytes:
    if not isinstance(name, str):
        raise InputTypeError("the id must be a str, as the index has them, not %s" % type(name).__name__)
    try:
        data = name_bytes(name)
    except UnicodeEncodeError:
        raise InputError("the id has a lone surrogate, which is no character of Unicode") from None
    if not 1 <= len(data) <= INDEX_MOST_NAME:
        raise InputError("the id must have 1 to %d bytes, not %d" % (INDEX_MOST_NAME, len(data)))
    return data


def _number(number: Any) -> int:
    if isinstance(number, str):
        raise InputTypeError("the id must be a whole number, as the index has them, not str")
    if not hasattr(number, "__index__"):
        raise InputTypeError("the id must be a whole number (or all ids str), not %s" %
                             type(number).__name__)
    return whole_number("the id", number, 0, MOST_NUMBER)


def _payload(payload: Any, index: int) -> bytes:
    try:
        if payload is None:
            return b""
        return text_bytes(payload, index) if isinstance(payload, str) else bytes(memoryview(payload))
    except InputError as error:
        raise InputError(error.args[0], index=index, what="payloads") from None
    except TypeError:
        raise InputTypeError("a payload must be a str, bytes or None, not %s" % type(payload).__name__, index=index,
                             what="payloads") from None


class Matrix:
    """Vectors in memory that the library can read, and their shape. What has float32 in order is not copied."""

    def __init__(self, vectors: Any):
        if isinstance(vectors, (str, bytes, bytearray, collections.abc.Mapping)) or not (
                hasattr(vectors, "__len__") or hasattr(vectors, "__iter__")):
            raise _no_vectors(vectors)
        self._owner, shape, self._address = (_from_memory if _arrays.numpy is None else _from_numpy)(vectors)
        shape = (0, 0) if shape == (0,) else shape  # an empty list
        self.is_single = len(shape) == 1
        self.count, self.columns = (1, shape[0]) if self.is_single else shape

    def address(self, row: int) -> int:
        """Where a row is. The matrix must live as long as the address is used."""
        return self._address + 4 * row * self.columns


Found = Tuple[Any, Tuple[int, ...], int]  # what owns the memory, the shape of one or two dimensions, the address


def _no_vectors(what: Any) -> InputTypeError:
    return InputTypeError("inputs must be texts or vectors, not %s" % type(what).__name__)


def _wrong_shape(shape: Tuple[int, ...]) -> InputError:
    return InputError("inputs must have the shape [texts][dimensions] or [dimensions], not %d dimensions" % len(shape))


def _wrong_kind(kind: str) -> InputTypeError:
    return InputTypeError("vectors must be floating-point numbers, not %s: those of a lower precision do not fit "
                          "into an index" % kind)


def _from_numpy(vectors: Any) -> Found:
    numpy = _arrays.numpy
    is_array = hasattr(vectors, "dtype") or hasattr(vectors, "__array__") or hasattr(vectors, "__array_interface__")
    with numpy.errstate(over="ignore"):  # the library refuses what becomes infinite
        try:
            found = numpy.asarray(vectors)
            if not is_array and found.dtype.kind in "iuO":  # lists of whole numbers and other objects, but not of str
                found = found.astype(numpy.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputTypeError("inputs must be vectors of one length, or texts: %s" % error) from None
    if found.dtype.kind != "f":
        raise _wrong_kind(str(found.dtype))
    if found.ndim not in (1, 2):
        raise _wrong_shape(found.shape)
    with numpy.errstate(over="ignore"):  # the library refuses what becomes infinite
        found = numpy.ascontiguousarray(found, dtype=numpy.float32)
    return found, found.shape, found.ctypes.data


def _from_memory(vectors: Any) -> Found:
    """Without NumPy: a buffer, or lists of numbers, or of such buffers."""
    try:
        view: Optional[memoryview] = memoryview(vectors)
    except TypeError:
        view = None
    if view is None:
        return _from_lists(vectors)
    if view.format not in ("f", "d"):
        raise _wrong_kind("the format '%s'" % view.format)
    if view.ndim not in (1, 2):
        raise _wrong_shape(view.shape)
    if view.format == "d" or not view.c_contiguous or view.nbytes == 0:
        return _from_lists(view.tolist(), view.shape)
    owner = bytearray(view) if view.readonly else view  # ctypes takes no memory that is read-only
    return owner, view.shape, address_of(owner)


def _from_lists(vectors: Any, shape: Optional[Tuple[int, ...]] = None) -> Found:
    if not hasattr(vectors, "__iter__"):
        raise _no_vectors(vectors)
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in vectors]
    is_single = len(rows) > 0 and not hasattr(rows[0], "__len__")
    numbers = array.array("f")
    columns = 0
    for index, row in enumerate([rows] if is_single else rows):
        try:
            if isinstance(row, (bytes, bytearray)):  # array would read them as they lie in memory
                raise TypeError
            if index > 0 and len(row) != columns:
                raise InputError("the vector has %d numbers, and the first one %d" % (len(row), columns), index=index)
            numbers.extend(array.array("f", row))
        except (TypeError, OverflowError):
            raise InputTypeError("inputs must be vectors of numbers, or texts", index=index) from None
        columns = len(row)
    found = shape or ((columns,) if is_single else (len(rows), columns))
    return numbers, found, numbers.buffer_info()[0] if numbers else 0
