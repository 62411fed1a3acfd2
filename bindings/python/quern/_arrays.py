"""Arrays of numbers: NumPy's where it is installed, else buffers of the same shape. Neither copies the numbers."""
from __future__ import annotations

from typing import Any, List, Tuple

try:
    import numpy
except ImportError:  # not installed, or it does not work in this interpreter
    numpy = None  # type: ignore[assignment]


def array(buffer: bytearray, kind: str, shape: Tuple[int, ...], plain: bool = False) -> Any:
    """The numbers of a buffer. kind: f float32, b int8, B uint8. plain: a memoryview, also where NumPy is."""
    if numpy is not None and not plain:
        return numpy.frombuffer(buffer, dtype=kind).reshape(shape)
    view = memoryview(buffer)
    return view.cast(kind, shape) if len(buffer) > 0 else view.cast(kind)


def rows_of(vectors: Any) -> List[List[float]]:
    """Vectors as lists of numbers; one vector is a matrix of one row."""
    rows = vectors.tolist() if hasattr(vectors, "tolist") else list(vectors)
    if rows and not hasattr(rows[0], "__len__"):
        rows = [rows]
    return [item.tolist() if hasattr(item, "tolist") else list(item) for item in rows]
