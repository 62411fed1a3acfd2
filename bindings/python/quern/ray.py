"""quern in a cluster of Ray: a class for ray.data.Dataset.map_batches."""
from __future__ import annotations

from typing import Any, Dict, Optional

from .embedder import Embedder


class Embed:
    """Adds a column of vectors to each batch. Each actor opens the model once:

        dataset.map_batches(quern.ray.Embed, concurrency=4, num_cpus=2,
                            fn_constructor_kwargs={"column": "text", "threads": 2})

    column: that has the texts; output: that gets the vectors. prompt_name: as Embedder.encode takes it; model,
    threads, dimensions and truncate: as Embedder does. Give as many threads as the actor has CPUs. Needs NumPy, as Ray
    does.
    """

    def __init__(self, column: str = "text", output: str = "embedding", prompt_name: Optional[str] = "document",
                 model: Optional[str] = None, threads: int = 1, dimensions: Optional[int] = None,
                 truncate: bool = False):
        self.column, self.output, self.prompt_name = column, output, prompt_name
        self.embedder = Embedder(model, threads, dimensions, truncate=truncate)

    def __call__(self, batch: Dict[str, Any]) -> Dict[str, Any]:
        return {**batch, self.output: self.embedder.encode(list(batch[self.column]), self.prompt_name)}
