"""libquern, as quern.h and quern_index.h declare it. The classes have the names and the layout of its structures, which
a test compares with those of the compiler."""
from __future__ import annotations

import ctypes
import os
import sys
from ctypes import (POINTER, Structure, c_char, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_size_t,
                    c_uint, c_uint32, c_uint64, c_void_p)
from typing import Optional

from ._errors import EINVAL, ETOOLONG, Error, InputError

TASK_NONE = 0
TRUNCATE = 1
NO_NORMALIZE = 4
DTYPE_INT8 = 2
DTYPE_BINARY = 3
MOST_THREADS = 256
SPACE_SIZE = 64
DTYPE_F32 = 0
DTYPE_F16 = 1
INDEX_NUMBERS = 0
INDEX_NAMES = 1
INDEX_MOST_NAME = 4096
SEARCH_MOST_HITS = 65536


class quern_error(Structure):
    _fields_ = [("code", c_int), ("text", c_char * 244), ("index", c_int64)]


class quern_text(Structure):
    _fields_ = [("data", c_char_p), ("length", c_size_t)]


class quern_model_options(Structure):
    _fields_ = [("size", c_size_t), ("cpu", c_char_p), ("threads", c_int), ("context_length", c_int),
                ("known", c_char_p), ("look_only", c_int)]


class quern_model_info(Structure):
    _fields_ = [("size", c_size_t), ("architecture", c_char_p), ("name", c_char_p), ("notice", c_char_p),
                ("kernels", c_char_p), ("kernels_reason", c_char_p), ("types", c_char_p), ("dimensions", c_int),
                ("has_head", c_int), ("context_length", c_int), ("layers", c_int), ("heads", c_int),
                ("kv_heads", c_int), ("head_dimensions", c_int), ("ffn_dimensions", c_int), ("vocabulary", c_int),
                ("sliding_window", c_int), ("head_hidden_dimensions", c_int), ("parameters", c_uint64),
                ("file_bytes", c_uint64), ("packed_bytes", c_uint64), ("vocabulary_bytes", c_uint64),
                ("has_prompts", c_int), ("most_context_length", c_int), ("known", c_char_p),
                ("known_reason", c_char_p), ("centred_cut", c_int), ("pooling", c_char_p)]


class quern_context_options(Structure):
    _fields_ = [("size", c_size_t), ("threads", c_int), ("path", c_int), ("step_tokens", c_int),
                ("threads_of", c_void_p), ("pause", c_void_p), ("pause_argument", c_void_p)]


class quern_embed_options(Structure):
    _fields_ = [("size", c_size_t), ("task", c_int), ("title", quern_text), ("dimensions", c_int), ("flags", c_uint),
                ("prompt", quern_text)]


class quern_result(Structure):
    _fields_ = [("code", c_int32), ("tokens", c_uint32), ("truncated", c_uint32), ("at_least", c_uint32)]


class quern_index_row(Structure):
    _fields_ = [("number", c_uint64), ("name", quern_text), ("payload", quern_text)]


class quern_index_options(Structure):
    _fields_ = [("size", c_size_t), ("dimensions", c_int), ("ids", c_int), ("space", c_char_p), ("rows", c_int),
                ("bits", c_int), ("threads", c_int)]


class quern_index_info(Structure):
    _fields_ = [("size", c_size_t), ("dimensions", c_int), ("ids", c_int), ("space", c_char_p), ("rows", c_int),
                ("bits", c_int), ("places", c_uint64), ("count", c_uint64), ("blocks", c_uint64), ("bytes", c_uint64),
                ("note", quern_text)]


class quern_searcher_options(Structure):
    _fields_ = [("size", c_size_t), ("threads", c_int), ("most_hits", c_size_t), ("most_queries", c_size_t),
                ("most_scored", c_size_t)]


class quern_hit(Structure):
    _fields_ = [("place", c_uint64), ("score", c_double)]


class quern_search_options(Structure):
    _fields_ = [("size", c_size_t), ("hits", c_size_t), ("only", c_void_p), ("space", c_char_p), ("least", c_double),
                ("has_least", c_int), ("oversampling", c_int)]


class quern_search_result(Structure):
    _fields_ = [("hits", c_size_t), ("scored", c_uint64), ("certified", c_int)]


_ERROR = POINTER(quern_error)
_ROWS = POINTER(quern_index_row)
_OPTIONS = POINTER(quern_embed_options)
# Each function with its result and its arguments. Handles and arrays of vectors are plain addresses.
_FUNCTIONS = {
    "quern_version": (c_char_p,),
    "quern_error_name": (c_char_p, c_int),
    "quern_model_open": (c_int, POINTER(c_void_p), c_char_p, POINTER(quern_model_options), _ERROR),
    "quern_model_close": (None, c_void_p),
    "quern_model_describe": (c_int, c_void_p, POINTER(quern_model_info), _ERROR),
    "quern_model_prompt": (c_char_p, c_void_p, c_int),
    "quern_task_name": (c_char_p, c_int),
    "quern_task_find": (c_int, c_char_p),
    "quern_task_guess": (c_int, c_char_p),
    "quern_context_new": (c_int, POINTER(c_void_p), c_void_p, POINTER(quern_context_options), _ERROR),
    "quern_context_free": (None, c_void_p),
    "quern_embed": (c_int, c_void_p, POINTER(quern_text), c_size_t, _OPTIONS, c_void_p, c_size_t,
                    POINTER(quern_result), _ERROR),
    "quern_space": (c_int, c_void_p, _OPTIONS, c_char_p, _ERROR),
    "quern_tokenize": (c_int, c_void_p, quern_text, _OPTIONS, POINTER(c_int32), c_size_t, POINTER(c_size_t), _ERROR),
    "quern_encode": (c_int, c_int, c_void_p, c_size_t, c_int, c_void_p, c_size_t, _ERROR),
    "quern_encoded_bytes": (c_size_t, c_int, c_int),
    "quern_cosine": (c_double, POINTER(c_float), POINTER(c_float), c_int),
    "quern_index_create": (c_int, POINTER(c_void_p), c_char_p, POINTER(quern_index_options), _ERROR),
    "quern_index_change": (c_int, POINTER(c_void_p), c_char_p, POINTER(quern_index_options), _ERROR),
    "quern_index_add": (c_int, c_void_p, _ROWS, c_void_p, c_size_t, _ERROR),
    "quern_index_remove": (c_int, c_void_p, _ROWS, c_size_t, POINTER(c_size_t), _ERROR),
    "quern_index_commit": (c_int, c_void_p, _ERROR),
    "quern_index_rest": (c_int, c_void_p, _ERROR),
    "quern_index_resume": (c_int, c_void_p, _ERROR),
    "quern_index_writer_free": (None, c_void_p),
    "quern_index_compact": (c_int, c_char_p, _ERROR),
    "quern_index_open": (c_int, POINTER(c_void_p), c_char_p, _ERROR),
    "quern_index_close": (None, c_void_p),
    "quern_index_describe": (c_int, c_void_p, POINTER(quern_index_info), _ERROR),
    "quern_index_get": (c_int, c_void_p, c_uint64, _ROWS, _ERROR),
    "quern_index_select": (c_int, c_void_p, _ROWS, c_size_t, c_void_p, _ERROR),
    "quern_index_check": (c_int, c_void_p, _ERROR),
    "quern_searcher_new": (c_int, POINTER(c_void_p), c_void_p, POINTER(quern_searcher_options), _ERROR),
    "quern_searcher_free": (None, c_void_p),
    "quern_search": (c_int, c_void_p, c_void_p, c_size_t, POINTER(quern_search_options), POINTER(quern_hit),
                     POINTER(quern_search_result), _ERROR),
}


# The library in a package, and an installed one.
_NAMES = {"darwin": ("libquern.dylib", "libquern.0.dylib"), "win32": ("quern.dll", "quern.dll")}


def _load() -> ctypes.CDLL:
    """The library that came with this package, or else the one that is installed."""
    name, installed = _NAMES.get(sys.platform, ("libquern.so", "libquern.so.0"))
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    library = ctypes.CDLL(beside if os.path.exists(beside) else installed)
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


lib = _load()  # ctypes releases the GIL around each call


def sized(structure, **fields):
    """An options or info structure, which begins with its own size."""
    return structure(size=ctypes.sizeof(structure), **fields)


def check(code: int, error: quern_error, first: int = 0, what: str = "inputs") -> None:
    """Raises the exception of a call that failed. first: the position of the call's first text among all texts; what:
    the argument that has them."""
    if code == 0:
        return
    message = error.text.decode("utf-8", "replace")
    index: Optional[int] = None if error.index < 0 else first + error.index
    wrong_input = index is not None or code in (EINVAL, ETOOLONG)
    raise (InputError if wrong_input else Error)(message, code, index, what)


def address_of(buffer: bytearray) -> int:
    """Where the bytes of a buffer are; it must not be resized while the address is used. An empty one has none."""
    return ctypes.addressof(c_char.from_buffer(buffer)) if buffer else 0


def bytes_of(text: quern_text) -> bytes:
    """A copy of a text of the library, which may have NULs."""
    return ctypes.string_at(c_void_p.from_buffer(text).value, text.length) if text.length > 0 else b""
