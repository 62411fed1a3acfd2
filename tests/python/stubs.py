"""Stand-ins for frameworks that the tests do not install. Each has the base classes that quern's classes build on, with
the signatures that its project has published, and nothing else. So the tests show that quern's classes fit these
signatures; they do not show that the frameworks work with them.

langchain-core 1: langchain_core.embeddings.Embeddings. llama-index-core 0.14: BaseEmbedding, PrivateAttr (a model of
pydantic). haystack-ai 2: component, Document, default_to_dict, default_from_dict. chromadb 1: EmbeddingFunction,
register_embedding_function. pyspark 4 with pandas: pandas_udf, Series.
"""
import abc
import asyncio
import dataclasses
import sys
import types
from typing import Any, Generic, List, Optional, TypeVar


def module(name, **members):
    for end in [i for i, letter in enumerate(name) if letter == "."] + [len(name)]:
        sys.modules.setdefault(name[:end], types.ModuleType(name[:end]))
    vars(sys.modules[name]).update(members)


class Embeddings(abc.ABC):
    @abc.abstractmethod
    def embed_documents(self, texts: List[str]) -> List[List[float]]: ...

    @abc.abstractmethod
    def embed_query(self, text: str) -> List[float]: ...

    async def aembed_documents(self, texts: List[str]) -> List[List[float]]:
        return await asyncio.get_running_loop().run_in_executor(None, self.embed_documents, texts)

    async def aembed_query(self, text: str) -> List[float]:
        return await asyncio.get_running_loop().run_in_executor(None, self.embed_query, text)


class BaseEmbedding(abc.ABC):
    """As a model of pydantic, it takes its fields by name, and no others."""

    FIELDS = {"model_name": "unknown", "embed_batch_size": 10, "callback_manager": None, "num_workers": None,
              "embeddings_cache": None}

    def __init_subclass__(cls) -> None:
        cls.FIELDS = {**cls.FIELDS, **{name: getattr(cls, name) for name in cls.__annotations__ if name[0] != "_"}}

    def __init__(self, **fields: Any):
        unknown = set(fields) - set(self.FIELDS)
        if unknown:
            raise ValueError("unknown fields %s" % unknown)
        for name, value in {**self.FIELDS, **fields}.items():
            object.__setattr__(self, name, value)
        self._is_ready = True

    def to_dict(self):
        return {**{name: getattr(self, name) for name in self.FIELDS if name != "callback_manager"},
                "class_name": self.class_name()}

    @classmethod
    def from_dict(cls, data, **more):
        return cls(**{**{name: value for name, value in data.items() if name != "class_name"}, **more})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.FIELDS and name != "_is_ready" and not hasattr(self, "_is_ready"):
            raise AttributeError("private attributes can be set only behind super().__init__()")
        object.__setattr__(self, name, value)

    @abc.abstractmethod
    def _get_query_embedding(self, query: str) -> List[float]: ...

    @abc.abstractmethod
    async def _aget_query_embedding(self, query: str) -> List[float]: ...

    @abc.abstractmethod
    def _get_text_embedding(self, text: str) -> List[float]: ...

    def get_text_embedding_batch(self, texts: List[str], show_progress: bool = False, **kwargs: Any):
        size = self.embed_batch_size
        return [vector for start in range(0, len(texts), size)
                for vector in self._get_text_embeddings(texts[start:start + size])]

    def get_query_embedding(self, query: str) -> List[float]:
        return self._get_query_embedding(query)


class Component:
    def __call__(self, cls: type) -> type:
        if not hasattr(cls.run, "outputs"):
            raise TypeError("run() must name its outputs")
        return cls

    @staticmethod
    def output_types(**outputs: Any):
        def mark(run: Any) -> Any:
            run.outputs = outputs
            return run
        return mark


@dataclasses.dataclass
class Document:
    content: Optional[str] = None
    embedding: Optional[List[float]] = None


def default_to_dict(obj: Any, **init_parameters: Any):
    return {"type": "%s.%s" % (type(obj).__module__, type(obj).__name__), "init_parameters": init_parameters}


def default_from_dict(cls: type, data: dict):
    return cls(**data["init_parameters"])


Embeddable = TypeVar("Embeddable")


class EmbeddingFunction(Generic[Embeddable]):
    def __call__(self, input): raise NotImplementedError

    def embed_query(self, input): return self.__call__(input)

    def default_space(self): return "l2"

    def supported_spaces(self): return ["cosine", "l2", "ip"]


class Series:
    def __init__(self, data: Any = None): self.data = list(data)

    def tolist(self) -> list: return self.data


REGISTERED = {}


def register_embedding_function(cls: type) -> type:
    REGISTERED[cls.name()] = cls
    return cls


def pandas_udf(return_type: str):
    def make(function: Any) -> Any:
        function.return_type = return_type
        return function
    return make


module("langchain_core.embeddings", Embeddings=Embeddings)
module("llama_index.core.base.embeddings.base", BaseEmbedding=BaseEmbedding)
module("llama_index.core.bridge.pydantic", PrivateAttr=lambda: None)
module("haystack", component=Component(), Document=Document, default_to_dict=default_to_dict,
       default_from_dict=default_from_dict)
module("chromadb.api.types", Documents=List[str], EmbeddingFunction=EmbeddingFunction)
module("chromadb.utils.embedding_functions", register_embedding_function=register_embedding_function)
module("pandas", Series=Series)
module("pyspark.sql.functions", pandas_udf=pandas_udf)
