"""Where a log lies: a local folder, or a URL of another file system.

A URL becomes a ``UPath`` of the package universal-pathlib, which has the methods of `pathlib.Path`
and is annotated as one; only `files` and `claim` know the difference.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, cast
from urllib.parse import unquote

from learnorder.errors import ExtraMissing, LearnOrderError, nearest
from learnorder.log.files import is_local

URL = re.compile(r"(?P<protocol>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)
CHAINED = re.compile(r"[A-Za-z0-9+.-]+::.*", re.DOTALL)
SLASH_LOST = re.compile(r"[a-z][a-z0-9+.-]+:/(?!/)", re.DOTALL)

PROTOCOLS = ("file", "memory", "s3", "gs", "abfs", "sftp", "hdfs", "smb", "webdav")
"""The better-known ones, to correct slips of the keyboard; any that fsspec knows will do."""

NOT_IN_URLS = "*?[]"
"""Characters that stand for others where the files of such a file system are listed."""


def locate(place: str | os.PathLike[str]) -> Path:
    """Path of a log from what a user gives: a local path, or a URL that fsspec understands.

    ``~`` at the beginning is the home folder. In a ``file://`` URL ``%20`` is a space, as
    `pathlib.Path.as_uri` writes it; other URLs are taken as they are. Listings of other file
    systems are not cached, so that a reader sees what others write.

    Raises
    ------
    LearnOrderError
        It is no path, or a URL that leads nowhere.
    ExtraMissing
        The packages that reach this file system are not installed.

    Examples
    --------
    >>> locate("runs/mlp.zarr").as_posix(), locate("file:///runs/two%20words.zarr").as_posix()
    ('runs/mlp.zarr', '/runs/two words.zarr')
    """
    if hasattr(place, "storage_options"):
        return _uncached(cast(Path, place))
    text = _text(place)
    if CHAINED.fullmatch(text):
        _refuse(text, "chains file systems", "A log lies on one. Give its own URL")
    if match := URL.fullmatch(text):
        protocol, rest = match["protocol"].lower(), match["rest"]
        return _local(text, rest) if protocol == "file" else _remote(text, protocol, rest)
    if SLASH_LOST.match(text) and not Path(text.split("/")[0]).exists():
        _refuse(
            text, "has one slash after its protocol", "A URL has two, which pathlib.Path makes one"
        )
    return _home(text)


def is_shared(path: Path) -> bool:
    """Whether other processes can reach the path too."""
    return is_local(path) or cast(Any, path).protocol != "memory"


def address(path: Path) -> dict[str, Any]:
    """What another process needs to find the path again, as plain JSON types."""
    if is_local(path):
        return {"place": str(path.resolve()), "options": {}}
    return {"place": str(path), "options": dict(cast(Any, path).storage_options)}


def from_address(content: Mapping[str, Any]) -> Path:
    """Path of an `address`."""
    if URL.fullmatch(content["place"]):
        return _uncached(_open_url(content["place"], content["options"]))
    return Path(content["place"])


def _text(place: str | os.PathLike[str]) -> str:
    text = os.fspath(place) if isinstance(place, os.PathLike) else place
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        _refuse(place, "names no place", "Give the folder of a log, or its URL")
    return text


def _home(text: str) -> Path:
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)


def _local(url: str, rest: str) -> Path:
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash or "\0" in unquote(path):
        _refuse(url, "is no absolute path", "After file:// comes the whole path, as file:///runs/a")
    return Path(slash + unquote(path))


def _remote(url: str, protocol: str, rest: str) -> Path:
    if not rest.strip("/"):
        _refuse(url, "names no folder", "A log is a folder. Give its name after the protocol")
    if wild := [c for c in NOT_IN_URLS if c in rest]:
        _refuse(url, f"contains {wild[0]!r}", "Names of logs elsewhere do not. Rename the log")
    return _uncached(_open_url(f"{protocol}://{rest.rstrip('/')}", {}))


def _open_url(url: str, options: Mapping[str, Any]) -> Path:
    """Make the path, and reach for its file system, so that what is missing is known at once."""
    try:
        import fsspec
        from upath import UPath
    except ImportError as error:
        raise ExtraMissing(
            f"log: {url} needs the package {error.name or 'universal-pathlib'}. Logs outside "
            "local folders are an extra. Install it with `pip install 'learnorder[remote]'`."
        ) from error
    protocol = url.partition("://")[0]
    if protocol not in fsspec.available_protocols():
        _refuse(url, f"has the unknown protocol {protocol!r}", nearest(protocol, PROTOCOLS))
    try:
        path = UPath(url, **options)
        path.fs  # noqa: B018
    except ImportError as error:
        raise ExtraMissing(
            f"log: {url} needs another package ({error}). fsspec reaches each file system through "
            "a package of its own. Install that one."
        ) from error
    except Exception as error:
        _refuse(url, f"cannot be used ({type(error).__name__}: {error})", "Check the URL", error)
    # annotated as what it behaves like: the one place where a UPath is called a Path
    return cast(Path, path)


def _uncached(path: Path) -> Path:
    """Switch the cache of listings off: it would hide what other processes write."""
    cache: Any = getattr(cast(Any, path).fs, "dircache", None)
    if hasattr(cache, "use_listings_cache"):
        cache.use_listings_cache = False
        cache.clear()
    return path


def _refuse(place: object, what: str, instead: str, error: Exception | None = None) -> NoReturn:
    raise LearnOrderError(f"log: {place!r} {what}. {instead.rstrip('.')}.") from error
