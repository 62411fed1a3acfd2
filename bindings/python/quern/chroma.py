"""quern as an embedding function of Chroma (package chromadb)."""
from __future__ import annotations

from typing import Any, Dict, List, Optional

from chromadb.api.types import Documents, EmbeddingFunction
from chromadb.utils.embedding_functions import register_embedding_function

from ._shared import embedder_of


@register_embedding_function
class QuernEmbeddingFunction(EmbeddingFunction[Documents]):
    """Documents and queries get the model's prompts for them.

    model, threads, dimensions, truncate: as quern.Embedder takes them. Chroma stores them with the collection, and
    makes the function again from them, often several times for one call; the model stays open for all of them.
    """

    def __init__(self, model: Optional[str] = None, threads: Optional[int] = None, dimensions: Optional[int] = None,
                 truncate: bool = False):
        self.config = {"model": model, "threads": threads, "dimensions": dimensions, "truncate": truncate}
        self.embedder = embedder_of(model, threads, dimensions, truncate)

    def __call__(self, input: Documents) -> List[Any]:
        return list(self.embedder.encode_document(input))

    def embed_query(self, input: Documents) -> List[Any]:
        return list(self.embedder.encode_query(input))

    @staticmethod
    def name() -> str:
        return "quern"

    def default_space(self) -> str:
        return "cosine"

    def supported_spaces(self) -> List[str]:
        return ["cosine", "l2", "ip"]

    def get_config(self) -> Dict[str, Any]:
        return dict(self.config)

    @staticmethod
    def build_from_config(config: Dict[str, Any]) -> "QuernEmbeddingFunction":
        return QuernEmbeddingFunction(**config)

    def validate_config_update(self, old_config: Dict[str, Any], new_config: Dict[str, Any]) -> None:
        for key in ("model", "dimensions"):
            if old_config.get(key) != new_config.get(key):
                raise ValueError("the %s of a collection cannot change: its vectors belong to the old one" % key)
