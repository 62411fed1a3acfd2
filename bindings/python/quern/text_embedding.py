"""TextEmbedding: a model, with the methods that fastembed has."""
from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from . import _arrays
from ._library import address_of
from .embedder import Embedder, calls_of


class TextEmbedding:
    """A model whose methods give a vector for each text, one after the other, so that neither texts nor vectors need
    to fit into memory. Vectors have length 1.

    model_name, threads, dimensions, truncate, prompts: as Embedder takes them; model_name may be the name of the
    publisher's repository, too ("BAAI/bge-small-en-v1.5").

    >>> model = TextEmbedding("starter")
    >>> [len(vector) for vector in model.embed(["a red apple", "ripe fruit"])]
    [448, 448]
    """

    def __init__(self, model_name: Union[str, "os.PathLike[str]", None] = None, threads: Optional[int] = None,
                 dimensions: Optional[int] = None, *, truncate: bool = False,
                 prompts: Optional[Mapping[str, str]] = None):
        self.embedder = Embedder(model_name, threads, dimensions, truncate=truncate, prompts=prompts)

    def embed(self, documents: Union[str, Iterable[str]], batch_size: int = 256,
              parallel: Optional[int] = None) -> Iterator[Any]:
        """A vector of shape [dimensions] for each text, which is embedded as it is. batch_size and parallel are
        accepted, and change nothing: all threads work on each text."""
        return self._vectors(documents, None)

    def query_embed(self, query: Union[str, Iterable[str]]) -> Iterator[Any]:
        """The same for queries, with the model's prompt for them."""
        return self._vectors(query, "query")

    def passage_embed(self, texts: Iterable[str]) -> Iterator[Any]:
        """The same for documents, in which queries search."""
        return self._vectors(texts, "document")

    def _vectors(self, texts: Union[str, Iterable[str]], prompt_name: Optional[str]) -> Iterator[Any]:
        options = self.embedder.embed_options(prompt_name)
        columns = options.dimensions
        for first, call in calls_of([texts] if isinstance(texts, str) else texts):
            buffer = bytearray(4 * len(call) * columns)
            self.embedder.embed_call(call, options, address_of(buffer), first)
            for start in range(0, len(buffer), 4 * columns):
                yield _arrays.array(buffer[start:start + 4 * columns], "f", (columns,))
