"""quern as an embedding of LlamaIndex (package llama-index-core)."""
from __future__ import annotations

import asyncio
from typing import Any, List, Optional

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from .embedder import Embedder


class QuernEmbedding(BaseEmbedding):
    """Texts and queries get the model's prompts for documents and queries.

    model, threads, dimensions, truncate: as quern.Embedder takes them. Other options are those of BaseEmbedding.

    All of them are fields, because LlamaIndex makes the object again from its fields, and takes vectors from its cache
    by them. The file of the model is the field model_name.
    """

    threads: Optional[int] = None
    dimensions: Optional[int] = None
    truncate: bool = False
    _embedder: Any = PrivateAttr()

    def __init__(self, model: Optional[str] = None, threads: Optional[int] = None, dimensions: Optional[int] = None,
                 truncate: bool = False, **options: Any):
        named = options.pop("model_name", None)
        embedder = Embedder(named if model is None else model, threads, dimensions, truncate=truncate)
        super().__init__(model_name=embedder.path, threads=threads, dimensions=dimensions, truncate=truncate, **options)
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        return "QuernEmbedding"

    def _get_query_embedding(self, query: str) -> List[float]:
        return self._embedder.encode_query(query).tolist()

    def _get_text_embedding(self, text: str) -> List[float]:
        return self._embedder.encode_document(text).tolist()

    def _get_text_embeddings(self, texts: List[str]) -> List[List[float]]:
        return self._embedder.encode_document(texts).tolist()

    async def _aget_text_embeddings(self, texts: List[str]) -> List[List[float]]:
        return await asyncio.get_running_loop().run_in_executor(None, self._get_text_embeddings, texts)

    async def _aget_query_embedding(self, query: str) -> List[float]:
        return await asyncio.get_running_loop().run_in_executor(None, self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> List[float]:
        return await asyncio.get_running_loop().run_in_executor(None, self._get_text_embedding, text)
