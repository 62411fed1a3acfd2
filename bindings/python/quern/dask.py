"""quern in a cluster of Dask: texts of a bag get vectors. (Files of texts: deploy/dask, which goes on where it was
killed.)"""
from __future__ import annotations

from typing import Any, Iterable, Optional

from ._shared import embedder_of


def _embed(texts: Iterable[str], model: Optional[str], threads: int, dimensions: Optional[int], truncate: bool,
           prompt_name: Optional[str]) -> list:
    return list(embedder_of(model, threads, dimensions, truncate).encode(list(texts), prompt_name))


def embed(bag: Any, model: Optional[str] = None, prompt_name: Optional[str] = "document", threads: int = 1,
          dimensions: Optional[int] = None, truncate: bool = False) -> Any:
    """The vectors of a bag of texts (dask.bag.Bag): a bag in the same order, of arrays of shape [dimensions].

    Every worker opens the model once, from the same path. threads: that compute for each task; with 1, as many tasks
    as a worker has threads keep all its CPUs busy. prompt_name: as Embedder.encode takes it; model, dimensions and
    truncate: as Embedder does. Needs NumPy.
    """
    return bag.map_partitions(_embed, model=model, threads=threads, dimensions=dimensions, truncate=truncate,
                              prompt_name=prompt_name)
