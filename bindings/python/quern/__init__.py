"""quern: text in, vectors out, on any CPU.

>>> import quern
>>> model = quern.Embedder("starter")
>>> vectors = model.encode(["a red apple", "ripe fruit", "the tax office"])

Embedder has the methods of sentence-transformers, TextEmbedding those of fastembed. Index keeps vectors in a file, and
finds them again. quern.langchain, quern.llama_index, quern.haystack, quern.chroma, quern.dask, quern.ray and
quern.spark fit quern into these. The package needs no other one; with NumPy, vectors are NumPy arrays.
"""
from ._errors import EFORMAT, EINVAL, EIO, ENOMEM, ENUMERIC, ETOOLONG, EUNSUPPORTED, Error, InputError, InputTypeError
from ._index_file import Hit, Hits, IndexInfo, Row
from ._library import lib as _lib
from .download import pull
from .embedder import Embedder
from .index import Index
from .text_embedding import TextEmbedding

__version__ = _lib.quern_version().decode()

__all__ = ["EFORMAT", "EINVAL", "EIO", "ENOMEM", "ENUMERIC", "ETOOLONG", "EUNSUPPORTED", "Embedder", "Error",
           "Hit", "Hits", "Index", "IndexInfo", "InputError", "InputTypeError", "Row", "TextEmbedding",
           "pull"]
