"""quern as embeddings of LangChain (package langchain-core)."""
from __future__ import annotations

from typing import Any, List, Optional

from langchain_core.embeddings import Embeddings

from .embedder import Embedder


class QuernEmbeddings(Embeddings):
    """Documents and queries get the model's prompts for them. The asynchronous methods are those of Embeddings, which
    call these in a thread.

    model, threads, dimensions, truncate: as quern.Embedder takes them.
    """

    def __init__(self, model: Optional[str] = None, threads: Optional[int] = None, dimensions: Optional[int] = None,
                 **options: Any):
        self.embedder = Embedder(model, threads, dimensions, **options)

    def embed_documents(self, texts: List[str]) -> List[List[float]]:
        """A vector for each text, of length 1."""
        return self.embedder.encode_document(texts).tolist()

    def embed_query(self, text: str) -> List[float]:
        """The vector of a query, of length 1."""
        return self.embedder.encode_query(text).tolist()
