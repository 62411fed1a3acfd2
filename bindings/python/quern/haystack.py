"""quern as components of Haystack 2 (package haystack-ai)."""
import dataclasses
from typing import Any, Dict, List, Optional

from haystack import Document, component, default_from_dict, default_to_dict

from .embedder import Embedder

# Haystack reads the types of run() when a class is made, so annotations here are not strings.


class _Component:
    """model, threads, dimensions, truncate: as quern.Embedder takes them. The model is opened by warm_up, or by the
    first run."""

    def __init__(self, model: Optional[str] = None, threads: Optional[int] = None, dimensions: Optional[int] = None,
                 truncate: bool = False):
        self.options: Dict[str, Any] = {"model": model, "threads": threads, "dimensions": dimensions,
                                        "truncate": truncate}
        self.embedder: Optional[Embedder] = None

    def warm_up(self) -> None:
        self.opened()

    def opened(self) -> Embedder:
        if self.embedder is None:
            self.embedder = Embedder(**self.options)
        return self.embedder

    def to_dict(self) -> Dict[str, Any]:
        return default_to_dict(self, **self.options)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> "_Component":
        return default_from_dict(cls, data)


@component
class QuernTextEmbedder(_Component):
    """Gives the vector of a query, with the model's prompt for queries."""

    @component.output_types(embedding=List[float])
    def run(self, text: str) -> Dict[str, List[float]]:
        return {"embedding": self.opened().encode_query(text).tolist()}


@component
class QuernDocumentEmbedder(_Component):
    """Gives copies of documents with their vectors in the field embedding, with the model's prompt for documents. Other
    components of a pipeline may have the same documents, so these stay as they are."""

    @component.output_types(documents=List[Document])
    def run(self, documents: List[Document]) -> Dict[str, List[Document]]:
        vectors = self.opened().encode_document([document.content or "" for document in documents]).tolist()
        return {"documents": [dataclasses.replace(document, embedding=vector)
                              for document, vector in zip(documents, vectors)]}
