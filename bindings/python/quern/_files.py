"""Which model file is meant. The rules, the cache folder and the published names are those of the command quern."""
from __future__ import annotations

import json
import os
from typing import Dict, List, Optional

from ._errors import EIO, Error, InputError, InputTypeError

_HERE = os.path.dirname(os.path.abspath(__file__))
STARTER = "starter"  # the name of the small model in this package


def cache_folder() -> str:
    """$XDG_CACHE_HOME/quern or ~/.cache/quern, on Windows %LOCALAPPDATA%/quern, whether it exists or not."""
    cache = os.environ.get("XDG_CACHE_HOME", os.environ.get("LOCALAPPDATA", "") if os.name == "nt" else "")
    return os.path.join(cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "quern")


def catalog() -> List[dict]:
    """The published model files that have a name, as `quern pull --list --json` prints them. The first is the
    default. Empty where the package was built without the command."""
    try:
        with open(os.path.join(_HERE, "catalog.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return []


def cached_file(published: dict) -> str:
    """The path that the file of a published model has in the cache."""
    return os.path.join(cache_folder(), os.path.basename(published["origin"]))


def published_names() -> Dict[str, dict]:
    """The catalog by name, and by the repository of the model's publisher, of which the first file counts."""
    names: Dict[str, dict] = {}
    for published in catalog():
        names[published["name"]] = published
        names.setdefault(published["model"], published)
    return names


def _is_model(path: str) -> bool:
    """Whether a path leads to a regular file that begins as a GGUF file does."""
    try:
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as file:
            return file.read(4) == b"GGUF"
    except OSError:
        return False


def _cached_default() -> Optional[str]:
    """The model of the cache that is used when none is named: the default one, else the first by name."""
    files = [cached_file(published) for published in catalog()[:1]]
    folder = cache_folder()
    if os.path.isdir(folder):
        files += sorted((entry.path for entry in os.scandir(folder) if entry.name.endswith(".gguf")), key=os.fsencode)
    return next((file for file in files if _is_model(file)), None)


def starter() -> Optional[str]:
    """The path of the starter model in this package; None: the package has none."""
    path = os.path.join(_HERE, "starter.gguf")
    return path if os.path.exists(path) else None


def _meant(name: str) -> str:
    """The end of a message: the published model that a name without the right publisher means, if there is one."""
    last = name.split("/")[-1].lower()
    meant = next((one for one in catalog() if one["model"].split("/")[-1].lower() == last), None)
    return "" if meant is None else ", such as '%s' for %s" % (meant["name"], meant["model"])


def find_model(model: Optional[os.PathLike | str] = None) -> str:
    """The path of a model file: of the one that is named, else of $QUERN_MODEL, else of the cache folder, else of the
    starter model."""
    if model is None:
        model = os.environ.get("QUERN_MODEL") or _cached_default() or STARTER
    if not isinstance(model, (str, os.PathLike)):
        raise InputTypeError("model must be a path or a published name, not %s" % type(model).__name__)
    path = os.fspath(model)
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if "\0" in path:
        raise InputError("the path of a model cannot have a NUL")
    if os.path.exists(path):
        return os.path.abspath(path)
    packaged = starter()
    if path == STARTER and packaged is not None:
        return packaged
    published = published_names().get(path)
    if published is None:
        raise Error("there is no file or model '%s': give the path of a GGUF file, or a name for quern.pull%s" %
                    (path, _meant(path)), EIO)
    path = cached_file(published)
    if not os.path.exists(path):
        raise Error("%s is not there yet: quern.pull('%s') downloads it" % (model, published["name"]), EIO)
    return path
