"""What made a log: versions, platform, time, and revisions of the code."""

from __future__ import annotations

import platform
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

REVISION = "learnorder_revision"
"""Git revision of the checkout that this package is imported from, where it is in one."""


def provenance(versions: dict[str, str]) -> dict[str, Any]:
    """Versions, time, and git revisions: of this package, and of the current folder.

    The latter, ``git_revision``, is that of the project that a spec or a network belongs to.
    """
    return {
        **with_revision(versions),
        "created": now(),
        "git_revision": _revision(Path.cwd()),
    }


def with_revision(versions: dict[str, str]) -> dict[str, str]:
    """Versions, and the revision of this package."""
    revision = own_revision()
    return {**versions, **({REVISION: revision} if revision else {})}


def versions_of(*libraries: str) -> dict[str, str]:
    """Versions of this package, of libraries and of Python, and the platform."""
    return {
        **{name: _version(name) for name in ("learnorder", *libraries)},
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def now() -> str:
    """Date and time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@cache
def own_revision() -> str | None:
    """Git revision of the checkout that this package is imported from; None where it is in none.

    A package that is installed inside somebody's repository, as in a virtual environment there,
    is no part of that.
    """
    package = Path(__file__).resolve().parents[1]
    return _revision(package, "HEAD:./__init__.py")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _revision(folder: Path, *parts: str) -> str | None:
    """Revision of the repository that a folder lies in, if these parts belong to it."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD", *parts],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.split()[0]
