"""Embedder: a model, with the methods that sentence-transformers has."""
from __future__ import annotations

import collections.abc
import ctypes
import itertools
import operator
import os
import struct
import sys
import warnings
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from . import _arrays
from ._errors import ETOOLONG, InputError, InputTypeError
from ._files import find_model, starter
from ._library import (DTYPE_BINARY, DTYPE_INT8, MOST_THREADS, NO_NORMALIZE, SPACE_SIZE, TASK_NONE, TRUNCATE,
                       address_of, check, lib, quern_embed_options, quern_error, quern_text, sized)
from ._model import Model

# A call of the library has so many texts and bytes at most, or one text. Python handles Ctrl-C between calls.
CALL_TEXTS = 64
CALL_BYTES = 32768

# precision: the number format of the library, the kind of the array, and whether 128 is added to each byte.
_PRECISIONS = {
    "float32": (None, "f", False),
    "int8": (DTYPE_INT8, "b", False),
    "uint8": (DTYPE_INT8, "B", True),
    "binary": (DTYPE_BINARY, "b", True),
    "ubinary": (DTYPE_BINARY, "B", False),
}
_ADD_128 = bytes((byte + 128) % 256 for byte in range(256))


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """An argument as an int, so that none is cut on its way to C."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputTypeError("%s must be a whole number, not %s" % (name, type(value).__name__)) from None
    if not least <= number <= most:
        raise InputError("%s must be %d to %d, not %d" % (name, least, most, number))
    return number


def task_number(word: str) -> int:
    """The number of a task in the library; a word may be what a service of embeddings calls it: "passage", "STS"."""
    if not isinstance(word, str):
        raise InputTypeError("prompt_name must be a str, not %s" % type(word).__name__)
    encoded = word.encode("utf-8", "replace").replace(b"\0", b"?")
    task = lib.quern_task_find(encoded)
    if task >= 0:
        return task
    guess = lib.quern_task_guess(encoded)
    hint = "; did you mean '%s'?" % lib.quern_task_name(guess).decode() if guess >= 0 else ": see Embedder.prompts"
    raise InputError("there is no task '%s'%s" % (word, hint))


def text_bytes(text: Any, index: Optional[int]) -> bytes:
    """A text in UTF-8."""
    if not isinstance(text, str):
        raise InputTypeError("a text must be a str, not %s" % type(text).__name__, index=index)
    try:
        return str.encode(text)  # whatever a class of its own does
    except UnicodeEncodeError as error:
        raise InputError("the text has a lone surrogate at character %d, which is no character of Unicode; "
                         "text.encode('utf-8', 'replace').decode() replaces it" % error.start, index=index) from None


def prompt_bytes(what: str, prompt: Any) -> bytes:
    """A prompt in UTF-8; the library says how long it may be."""
    if not isinstance(prompt, str):
        raise InputTypeError("%s must be a str, not %s" % (what, type(prompt).__name__))
    return text_bytes(prompt, None)


def check_texts(inputs: Any) -> None:
    """Refuses what is no str and no iterable of texts. A table or a mapping would give the names of its columns."""
    if (isinstance(inputs, (bytes, bytearray, memoryview, collections.abc.Mapping)) or
            not hasattr(inputs, "__iter__") or getattr(inputs, "ndim", 1) != 1):
        raise InputTypeError("inputs must be a str or a list of str, not %s" % kind_of(inputs))


def kind_of(value: Any) -> str:
    """What a value is, for messages."""
    name, dimensions = type(value).__name__, getattr(value, "ndim", 1)
    return name if dimensions == 1 else "%s of %d dimensions" % (name, dimensions)


def calls_of(texts: Iterable[Any]) -> Iterator[Tuple[int, List[bytes]]]:
    """The texts of each call of the library in UTF-8, with the position of the first one."""
    call: List[bytes] = []
    first = size = 0
    for index, text in enumerate(texts):
        data = text_bytes(text, index)
        if call and (len(call) == CALL_TEXTS or size + len(data) > CALL_BYTES):
            yield first, call
            first, call, size = first + len(call), [], 0
        call.append(data)
        size += len(data)
    if call:
        yield first, call


def text_views(texts: List[bytes]) -> Any:
    """An array of quern_text. They view one copy of the bytes, which the array keeps: that takes a third of the time
    that an object for each text takes."""
    lengths = [len(text) for text in texts]
    joined = ctypes.create_string_buffer(b"".join(texts), sum(lengths) + 1)
    starts = itertools.accumulate(lengths, initial=ctypes.addressof(joined))
    numbers = itertools.chain.from_iterable(zip(starts, lengths))
    views = (quern_text * len(texts)).from_buffer_copy(struct.pack("%dN" % (2 * len(texts)), *numbers))
    views.joined = joined
    return views


class Embedder:
    """A model that turns texts into vectors.

    model: the path of a GGUF file, or a published name ("embeddinggemma") whose file quern.pull has downloaded, or
    "starter". None: $QUERN_MODEL, else a model of the cache folder, else the starter model, which is for trials.
    threads: that compute, at most 256; None: as many CPUs as the process may use. dimensions: leading numbers of each
    vector that are kept; None: all. truncate: cut the end off texts that are too long; otherwise they are errors.
    prompts: instead of the model's, by the name of the task: {"query": "Instruct: find recipes\\nQuery: "}.

    Any number of Python threads may use it at once; they share the model. It may be pickled, which keeps the path, and
    used after fork(). close(), or leaving a with block, gives its memory back.

    >>> import quern
    >>> model = quern.Embedder("starter")
    >>> vectors = model.encode(["a red apple", "ripe fruit", "the tax office"])
    >>> vectors.shape
    (3, 448)
    """

    def __init__(self, model: Union[str, "os.PathLike[str]", None] = None, threads: Optional[int] = None,
                 dimensions: Optional[int] = None, *, truncate: bool = False,
                 prompts: Optional[Mapping[str, str]] = None):
        path = find_model(model)
        self._prompts = _own_prompts(prompts)
        self._threads = None if threads is None else whole_number("threads", threads, 1, MOST_THREADS)
        self._model = Model(path, self._threads or 0)
        if truncate not in (True, False):
            raise InputTypeError("truncate must be True or False, not %r" % (truncate,))
        self._truncate = bool(truncate)
        self._dimensions = None
        if dimensions is not None:
            self._dimensions = whole_number("dimensions", dimensions, 1, self._model.dimensions)
        if self._model.notice:
            warnings.warn(self._model.notice, stacklevel=2)
        if model is None and path == starter():
            warnings.warn("this is the starter model, which is for trials and demonstrations; for real work "
                          "quern.pull('embeddinggemma') downloads EmbeddingGemma", stacklevel=2)

    # ------------------------------------------------------------ what it is

    @property
    def path(self) -> str:
        """The model's file."""
        return self._model.path

    @property
    def max_seq_length(self) -> int:
        """Most tokens of a text, prompt and special tokens included."""
        return self._model.context_length

    @property
    def prompts(self) -> Dict[str, str]:
        """What is put before a text of each task; the names are those that prompt_name takes."""
        tasks = list(itertools.takewhile(lib.quern_task_name, itertools.count()))
        return self._model.look(lambda model: {
            lib.quern_task_name(task).decode(): self._prompts.get(task, lib.quern_model_prompt(model, task)).decode()
            for task in tasks})

    def get_sentence_embedding_dimension(self) -> int:
        """Numbers of each vector."""
        return self._dimensions or self._model.dimensions

    def space(self, prompt_name: Optional[str] = None, normalize_embeddings: bool = True,
              truncate_dim: Optional[int] = None, prompt: Optional[str] = None) -> str:
        """The name of the space that vectors with these options belong to. Vectors may be compared when their spaces
        are the same, or differ only in tasks that belong together, as query and document. Store it with the vectors.

        >>> Embedder("starter").space()
        '448n-d80207ec44e6362a-none'
        """
        options = self.embed_options(prompt_name, normalize_embeddings, truncate_dim, prompt=prompt)
        out, error = ctypes.create_string_buffer(SPACE_SIZE), quern_error()
        check(self._model.look(lambda model: lib.quern_space(model, options, out, error)), error)
        return out.value.decode()

    def close(self) -> None:
        """Gives the memory back; later calls raise InputError. Calls of other threads end first."""
        self._model.close()

    def __enter__(self) -> "Embedder":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __reduce__(self) -> Any:
        prompts = {lib.quern_task_name(task).decode(): prompt.decode() for task, prompt in self._prompts.items()}
        return _open_again, (type(self), self.path, self._threads, self._dimensions, self._truncate, prompts)

    # ------------------------------------------------------------ vectors

    def encode(self, inputs: Union[str, Iterable[str], None] = None, prompt_name: Optional[str] = None,
               prompt: Optional[str] = None, batch_size: int = 32, show_progress_bar: Optional[bool] = None,
               output_value: str = "sentence_embedding", precision: str = "float32", convert_to_numpy: bool = True,
               convert_to_tensor: bool = False, device: Optional[str] = None, normalize_embeddings: bool = True,
               truncate_dim: Optional[int] = None, *, sentences: Union[str, Iterable[str], None] = None) -> Any:
        """The vectors of texts: shape [texts][dimensions], or [dimensions] for a single str.

        A NumPy array; without NumPy, or with convert_to_numpy=False, a memoryview of the same shape, whose tolist()
        gives lists; with convert_to_tensor=True, a tensor of torch. sentences: the older name of inputs.

        prompt_name: what the texts are for, a key of prompts such as "query"; the model's prompt for it is put before
        each text. prompt: put this before each text instead, at most 4096 bytes. With neither, texts are embedded as
        they are.

        precision: "float32"; "int8" (the number times 127, rounded) and "uint8" (the same plus 128), one byte for each
        number; "ubinary", one bit for each, the first in the highest bit of its byte, and "binary" (the same minus
        128). normalize_embeddings: vectors of length 1. truncate_dim: leading numbers to keep, of this call.
        show_progress_bar: True writes the number of texts that are done to standard error.

        batch_size is accepted, and changes nothing: a vector does not depend on the other texts. Of device, "cpu" is
        the only one.

        Raises InputError with the index of the text that is too long or not valid, and InputTypeError with the index
        of what is not a str. Ctrl-C works after 64 texts at most.
        """
        if inputs is None:
            inputs = sentences
        if output_value != "sentence_embedding":
            raise InputError("output_value must be 'sentence_embedding'")
        if not isinstance(precision, str) or precision not in _PRECISIONS:
            raise InputError("precision must be one of %s" % ", ".join(_PRECISIONS))
        if device not in (None, "cpu"):
            raise InputError("device must be 'cpu', the only one that quern has")
        if convert_to_tensor:
            import torch  # before the work
        options = self.embed_options(prompt_name, normalize_embeddings, truncate_dim, prompt=prompt)
        is_single = isinstance(inputs, str)
        texts = [inputs] if is_single else self._list(inputs)
        vectors = self._embed(texts, options, bool(show_progress_bar))
        buffer, kind, columns = self._stored(vectors, len(texts), options.dimensions, precision)
        array = _arrays.array(buffer, kind, (columns,) if is_single else (len(texts), columns),
                              plain=not (convert_to_numpy or convert_to_tensor))
        return torch.from_numpy(array) if convert_to_tensor else array

    def encode_query(self, inputs: Union[str, Iterable[str], None] = None, prompt_name: Optional[str] = "query",
                     **options: Any) -> Any:
        """Vectors of queries, with the model's prompt for them: encode with prompt_name="query"."""
        return self.encode(inputs, prompt_name, **options)

    def encode_document(self, inputs: Union[str, Iterable[str], None] = None, prompt_name: Optional[str] = "document",
                        **options: Any) -> Any:
        """Vectors of documents, in which queries search: encode with prompt_name="document"."""
        return self.encode(inputs, prompt_name, **options)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The cosine of each vector of [n][dimensions] with each of [m][dimensions]: shape [n][m], float32."""
        if _arrays.numpy is not None:
            left, right = _unit_rows(embeddings1), _unit_rows(embeddings2)
            _check_equal("dimensions", left.shape[1], right.shape[1])
            return left @ right.T
        left, right = _arrays.rows_of(embeddings1), _arrays.rows_of(embeddings2)
        return _cosines(((a, b) for a in left for b in right), len(left), len(right))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Any:
        """The cosine of each vector with the one at the same place: shape [n], float32."""
        if _arrays.numpy is not None:
            left, right = _unit_rows(embeddings1), _unit_rows(embeddings2)
            _check_equal("rows", left.shape[0], right.shape[0])
            _check_equal("dimensions", left.shape[1], right.shape[1])
            return (left * right).sum(axis=1)
        left, right = _arrays.rows_of(embeddings1), _arrays.rows_of(embeddings2)
        _check_equal("rows", len(left), len(right))
        return _cosines(zip(left, right), len(left), None)

    # ------------------------------------------------------------ tokens

    def tokenize(self, inputs: Union[str, Iterable[str]], prompt_name: Optional[str] = None,
                 prompt: Optional[str] = None) -> Any:
        """The token ids of a text, with its prompt and special tokens: a list, or a list for each text. Nothing is
        cut.

        >>> len(Embedder("starter").tokenize("a red apple"))
        5
        """
        options = self.embed_options(prompt_name, flags=0, prompt=prompt)
        if isinstance(inputs, str):
            return self._tokens(text_bytes(inputs, None), options, None)
        return [self._tokens(text_bytes(text, i), options, i) for i, text in enumerate(self._list(inputs))]

    # ------------------------------------------------------------ inside

    @staticmethod
    def _list(inputs: Any) -> Sequence[Any]:
        """The texts; all are looked at first, so that a wrong one costs no time."""
        check_texts(inputs)
        texts = inputs if isinstance(inputs, (list, tuple)) else list(inputs)
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                text_bytes(text, index)
        return texts

    def embed_options(self, prompt_name: Optional[str], normalize: bool = True, dimensions: Optional[int] = None,
                      flags: Optional[int] = None, prompt: Optional[str] = None) -> quern_embed_options:
        if dimensions is None:
            dimensions = self._dimensions or self._model.dimensions
        else:
            dimensions = whole_number("truncate_dim", dimensions, 1, self._model.dimensions)
        if flags is None:
            flags = (TRUNCATE if self._truncate else 0) | (0 if normalize else NO_NORMALIZE)
        task = TASK_NONE if prompt_name is None else task_number(prompt_name)
        own = self._prompts.get(task) if prompt is None else prompt_bytes("prompt", prompt)
        before = quern_text() if own is None else quern_text(own, len(own))
        return sized(quern_embed_options, task=task, dimensions=dimensions, flags=flags, prompt=before)

    def embed_call(self, texts: List[bytes], options: quern_embed_options, out: int, first: int) -> None:
        """Writes the vectors of the texts to memory at out. first: the position of the first text among all."""
        views, error = text_views(texts), quern_error()
        numbers = len(texts) * options.dimensions
        check(self._model.use(lambda context: lib.quern_embed(context, views, len(texts), options, out, numbers, None,
                                                              error)), error, first)

    def _embed(self, texts: Sequence[Any], options: quern_embed_options, shows: bool) -> bytearray:
        row_bytes = 4 * options.dimensions
        vectors = bytearray(len(texts) * row_bytes)
        address = address_of(vectors)
        for first, call in calls_of(texts):
            self.embed_call(call, options, address + first * row_bytes, first)
            if shows:
                print("\r%d of %d texts" % (first + len(call), len(texts)), end="", file=sys.stderr, flush=True)
        if shows:
            print(file=sys.stderr)
        return vectors

    @staticmethod
    def _stored(vectors: bytearray, count: int, dimensions: int, precision: str) -> Tuple[bytearray, str, int]:
        """The vectors in another precision: the buffer, the kind of its numbers, and how many a row has."""
        dtype, kind, adds = _PRECISIONS[precision]
        if dtype is None:
            return vectors, kind, dimensions
        columns = lib.quern_encoded_bytes(dtype, dimensions)
        if columns == 0:
            raise InputError("precision '%s' needs a multiple of 8 dimensions, not %d" % (precision, dimensions))
        stored = bytearray(count * columns)
        error = quern_error()
        if count > 0:
            check(lib.quern_encode(dtype, address_of(vectors), count, dimensions, address_of(stored), len(stored),
                                   error), error)
        return stored.translate(_ADD_128) if adds else stored, kind, columns

    def _tokens(self, text: bytes, options: quern_embed_options, index: Optional[int]) -> List[int]:
        count, error = ctypes.c_size_t(), quern_error()
        capacity = len(text) // 2 + 64
        while True:
            ids = (ctypes.c_int32 * capacity)()
            code = self._model.use(lambda context: lib.quern_tokenize(
                context, quern_text(text, len(text)), options, ids, capacity, ctypes.byref(count), error))
            if code != ETOOLONG:
                break
            capacity = count.value
        error.index = -1 if index is None else 0
        check(code, error, index or 0)
        return ids[:count.value]


def _open_again(kind: type, path: str, threads: Optional[int], dimensions: Optional[int], truncate: bool,
                prompts: Dict[str, str]) -> Any:
    return kind(path, threads, dimensions, truncate=truncate, prompts=prompts)


def _own_prompts(prompts: Any) -> Dict[int, bytes]:
    """Prompts by the number of their task."""
    if not isinstance(prompts, (collections.abc.Mapping, type(None))):
        raise InputTypeError("prompts must be a dict of str, not %s" % type(prompts).__name__)
    return {task_number(name): prompt_bytes("prompts['%s']" % name, prompt) for name, prompt in (prompts or {}).items()}


def _unit_rows(vectors: Any) -> Any:
    """Vectors in a NumPy array of shape [n][dimensions], each of length 1; a vector of zeros stays as it is."""
    numpy = _arrays.numpy
    try:
        array = numpy.atleast_2d(numpy.asarray(vectors, dtype=numpy.float32))
    except (TypeError, ValueError) as error:
        raise InputTypeError("embeddings must be vectors of one length: %s" % error) from None
    if array.ndim != 2:
        raise InputError("embeddings must have the shape [n][dimensions], not %d dimensions" % array.ndim)
    length = numpy.linalg.norm(array, axis=1, keepdims=True)
    return array / numpy.where(length > 0, length, 1)


def _check_equal(what: str, one: int, other: int) -> None:
    if one != other:
        raise InputError("the embeddings must have the same number of %s, not %d and %d" % (what, one, other))


def _cosines(pairs: Iterable[Tuple[list, list]], rows: int, columns: Optional[int]) -> memoryview:
    values = []
    for a, b in pairs:
        _check_equal("dimensions", len(a), len(b))
        kind = ctypes.c_float * len(a)
        values.append(lib.quern_cosine(kind(*a), kind(*b), len(a)))
    buffer = bytearray((ctypes.c_float * len(values))(*values))
    return _arrays.array(buffer, "f", (rows,) if columns is None else (rows, columns))
