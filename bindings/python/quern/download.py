"""pull: downloads a published model, as the command `quern pull` does, into the same folder."""
from __future__ import annotations

import hashlib
import http.client
import os
import re
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Optional

from ._errors import EIO, Error, InputError
from ._files import cache_folder, cached_file, published_names

_HUB = "https://huggingface.co"
_SECONDS = 30  # that the network may be silent
_STEP = 1 << 20


def _is_safe(url: str) -> bool:
    """Whether a URL may be requested: https, or http to this machine."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirection without the token, which is for the hub only, and keeps the digest that the hub tells."""

    linked_sha256: Optional[str] = None

    def redirect_request(self, request: Any, file: Any, code: int, message: str, headers: Any, url: str) -> Any:
        if not _is_safe(url) or (request.full_url.startswith("https:") and not url.startswith("https:")):
            raise Error("the hub leads to %s, which is not https" % url, EIO)
        if self.linked_sha256 is None:
            self.linked_sha256 = (headers.get("X-Linked-Etag") or "").strip('"')
        follow = super().redirect_request(request, file, code, message, headers, url)
        if follow and urllib.parse.urlsplit(url).netloc != urllib.parse.urlsplit(request.full_url).netloc:
            follow.remove_header("Authorization")
        return follow


def _copy(response: Any, file: Any, shows: bool) -> str:
    """Copies the body of a response, and returns its SHA-256. shows: writes how far it is to standard error."""
    digest, done, total = hashlib.sha256(), 0, response.length  # no more than this is read
    if not total:
        raise Error("the server does not say how long the file is", EIO)
    while True:
        data = response.read(_STEP)
        if not data:
            break
        digest.update(data)
        file.write(data)
        done += len(data)
        if shows:
            print("\r%.1f of %.1f MB" % (done / 1e6, total / 1e6), end="", file=sys.stderr, flush=True)
    if shows:
        print(file=sys.stderr)
    return digest.hexdigest()


def _request(published: dict) -> urllib.request.Request:
    hub = (os.environ.get("QUERN_HUB_URL") or os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")
    owner, repository, path = published["origin"][len("hf:"):].split("/", 2)
    url = "%s/%s/%s/resolve/%s/%s" % (hub, owner, repository, published["revision"] or "main", path)
    if not _is_safe(url):
        raise InputError("the hub must be an https URL (or http to this machine), not '%s'" % hub)
    token = os.environ.get("HF_TOKEN", "")
    if not re.fullmatch("[!-~]*", token):
        raise InputError("HF_TOKEN does not hold a token")
    return urllib.request.Request(url, headers={"Authorization": "Bearer " + token} if token else {})


def _download(published: dict, folder: str, path: str, shows: bool) -> None:
    redirects = _Redirects()
    request = _request(published)
    file = tempfile.NamedTemporaryFile(dir=folder, prefix=".pull-", suffix=".part", delete=False)
    try:
        with file:  # it is closed before it gets another name, or is removed: Windows wants it so
            opener = urllib.request.build_opener(redirects)
            with opener.open(request, timeout=_SECONDS) as response:
                found = _copy(response, file, shows)
            wanted = published["sha256"] or redirects.linked_sha256
            if not wanted or not re.fullmatch("[0-9a-f]{64}", wanted):
                raise Error("the hub does not say the SHA-256 of %s" % published["name"], EIO)
            if found != wanted:
                raise Error("the file of %s has the SHA-256 %s, but should have %s" %
                            (published["name"], found, wanted), EIO)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except BaseException:
        os.unlink(file.name)
        raise


def pull(name: str, show_progress_bar: Optional[bool] = None) -> str:
    """Downloads the file of a published model into the cache folder, compares its digest, and returns its path. A file
    that is there is not downloaded again.

    name: one of those that `quern pull --list` prints, such as "embeddinggemma". Environment: HF_TOKEN, HF_ENDPOINT or
    QUERN_HUB_URL (a mirror of the hub), https_proxy, XDG_CACHE_HOME. show_progress_bar: write how far it is to standard
    error; None: if that is a terminal. Raises Error; nothing is left of a download that failed. (The command also
    continues a download that was interrupted.)
    """
    published = published_names().get(name)
    if published is None:
        raise InputError("there is no published model '%s'; there are %s" % (name, ", ".join(
            known for known in published_names() if "/" not in known) or "none in this package"))
    path, folder = cached_file(published), cache_folder()
    if os.path.isfile(path):
        return path
    try:
        os.makedirs(folder, exist_ok=True)
        shows = sys.stderr.isatty() if show_progress_bar is None else show_progress_bar
        _download(published, folder, path, shows)
    except urllib.error.HTTPError as error:
        raise Error("cannot download %s: the hub answers %d%s" % (name, error.code, (
            "; accept the model's terms on its page on the hub, and set HF_TOKEN" if error.code in (401, 403) else "")),
            EIO) from error
    except (OSError, http.client.HTTPException) as error:
        raise Error("cannot download %s: %s" % (name, error), EIO) from error
    return path
