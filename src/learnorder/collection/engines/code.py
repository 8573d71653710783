"""Which code makes the predictions, so that every node of a cluster is known to run the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from learnorder.collection.provenance import versions
from learnorder.errors import LearnOrderError
from learnorder.training.spec import TrainingSpec

DIGITS = 12
"""Characters of a digest that are kept: enough to tell two states of the code apart."""


def code_of(spec: TrainingSpec) -> dict[str, str]:
    """Versions of what the predictions depend on, and digests of the source.

    ``source`` is that of this package, ``architecture`` that of the file of a network of one's own.
    Versions alone do not tell two checkouts apart.
    """
    found = {**versions(spec), "source": _source()}
    module, colon, _ = spec.architecture.name.partition(":")
    return {**found, "architecture": _module(module)} if colon else found


def refuse_other_code(theirs: Mapping[str, str], ours: Mapping[str, str], node: str) -> None:
    """Refuse to train on a node that runs other code than the process that asks for it.

    Parameters
    ----------
    theirs, ours
        `code_of` where training was begun, and on this node.
    node
        Name of this node.

    Raises
    ------
    LearnOrderError
        Something differs; the message names all of it.
    """
    names = sorted(theirs.keys() | ours.keys())
    other = [
        f"{name} is {ours.get(name, 'not there')}, not {theirs.get(name, 'not there')}"
        for name in names
        if ours.get(name) != theirs.get(name)
    ]
    if other:
        raise LearnOrderError(
            f"train: node {node} runs other code than where training was begun: "
            f"{'; '.join(other)}. The same code gives the same bytes on every node. Install the "
            "same versions on it."
        )


@cache
def _source() -> str:
    """Digest of the source files of this package."""
    package, digest = Path(__file__).parents[2], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:DIGITS]


def _module(name: str) -> str:
    """Digest of the file of a module; what cannot be read is found out by whoever imports it."""
    try:
        found = find_spec(name)
        content = Path(str(found.origin)).read_bytes() if found else b""
    except (ImportError, OSError, ValueError):
        return "not found"
    return hashlib.sha256(content).hexdigest()[:DIGITS] if found else "not found"
