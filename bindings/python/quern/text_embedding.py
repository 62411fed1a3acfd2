"""TextEmbedding: a model, with the methods that fastembed has."""
from __future__ import annotations

import os
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Union

from . import _arrays
from ._files import catalog
from ._library import address_of, quern_embed_options
from .embedder import Embedder, calls_of, check_texts


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

    def query_embed(self, query: Union[str, Iterable[str]], batch_size: int = 256,
                    parallel: Optional[int] = None) -> Iterator[Any]:
        """The same for queries, with the model's prompt for them."""
        return self._vectors(query, "query")

    def passage_embed(self, texts: Union[str, Iterable[str]], batch_size: int = 256,
                      parallel: Optional[int] = None) -> Iterator[Any]:
        """The same for documents, in which queries search."""
        return self._vectors(texts, "document")

    @property
    def embedding_size(self) -> int:
        """Numbers of each vector."""
        return self.embedder.get_sentence_embedding_dimension()

    @staticmethod
    def list_supported_models() -> List[Dict[str, Any]]:
        """The published models that quern.pull knows: "name" is for it, "model" the publisher's repository."""
        return catalog()

    def close(self) -> None:
        """Gives the memory back; later calls raise InputError."""
        self.embedder.close()

    def __enter__(self) -> "TextEmbedding":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def _vectors(self, texts: Union[str, Iterable[str]], prompt_name: Optional[str]) -> Iterator[Any]:
        check_texts(texts)
        return self._each([texts] if isinstance(texts, str) else texts, self.embedder.embed_options(prompt_name))

    def _each(self, texts: Iterable[str], options: quern_embed_options) -> Iterator[Any]:
        row_bytes = 4 * options.dimensions
        for first, call in calls_of(texts):
            buffer = bytearray(len(call) * row_bytes)
            self.embedder.embed_call(call, options, address_of(buffer), first)
            for start in range(0, len(buffer), row_bytes):
                yield _arrays.array(buffer[start:start + row_bytes], "f", (options.dimensions,))
