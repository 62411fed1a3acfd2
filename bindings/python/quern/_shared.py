"""A model for each process, where a framework makes many objects or tasks that use it."""
from __future__ import annotations

import functools
from typing import Optional

from .embedder import Embedder


@functools.lru_cache(maxsize=None)
def embedder_of(model: Optional[str], threads: Optional[int], dimensions: Optional[int], truncate: bool) -> Embedder:
    """The model of this process with these options, which is opened at the first call."""
    return Embedder(model, threads, dimensions, truncate=truncate)
