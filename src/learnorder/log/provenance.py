"""What made a log: versions, platform, time, and the revision of the code around it."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def provenance(versions: dict[str, str]) -> dict[str, Any]:
    """Versions, time, and the git revision of the current folder."""
    return {
        **versions,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": _git_revision(),
    }


def versions_of(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of this package, some libraries and Python, and the platform."""
    return {
        **{name: _version(name) for name in ("learnorder", *libraries, "numpy")},
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _git_revision() -> str | None:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path.cwd(),
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
