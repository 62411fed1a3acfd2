"""quern in Spark: a function of columns (package pyspark, with pandas and pyarrow)."""
from __future__ import annotations

from typing import Any, Iterator, Optional

from ._shared import embedder_of


def embed_udf(model: Optional[str] = None, prompt_name: Optional[str] = "document", threads: int = 1,
              dimensions: Optional[int] = None, truncate: bool = False) -> Any:
    """A function from a column of strings to a column of arrays of float:

        frame.withColumn("embedding", quern.spark.embed_udf()("text"))

    Every Python worker of an executor opens the model once, from the same path. A null gets null. The options are those
    of quern.dask.embed.
    """
    import pandas
    from pyspark.sql.functions import pandas_udf

    @pandas_udf("array<float>")
    def embed(batches: Iterator[pandas.Series]) -> Iterator[pandas.Series]:
        embedder = embedder_of(model, threads, dimensions, truncate)
        for batch in batches:
            rows = batch.tolist()
            texts = [row for row in rows if isinstance(row, str)]  # a null is None or NaN
            vectors = iter(embedder.encode(texts, prompt_name).tolist())
            yield pandas.Series([next(vectors) if isinstance(row, str) else None for row in rows])

    return embed
