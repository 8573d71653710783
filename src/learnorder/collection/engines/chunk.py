"""What is sent to a node, and what comes back: JSON texts. Everything else is in the log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self


@dataclass(frozen=True)
class Chunk:
    """Groups of seeds for one node, with all it needs to know.

    Attributes
    ----------
    job
        ``probe`` tries the network for a moment, ``train`` trains.
    spec, identity
        The resolved spec, and what identifies the log of it.
    code
        `code_of` where training was begun; the node must run the same.
    inputs
        ``digest`` of what the networks read, and the ``folder`` where it lies on a file system
        that all nodes share; None where it is sent.
    paths
        Where networks of one's own may be imported from.
    n_workers
        Processes on the node.
    log
        Address of the log; empty for a probe.
    execution
        How the log is trained; None where the probe settles it.
    groups
        Seeds that are trained side by side.
    claim
        ``token`` and ``take_over``, see `learnorder.log.claim.Claim`.
    """

    job: Literal["probe", "train"]
    spec: Mapping[str, Any]
    identity: str
    code: Mapping[str, str]
    inputs: Mapping[str, Any]
    paths: Sequence[str]
    n_workers: int
    log: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] | None = None
    groups: Sequence[Sequence[int]] = ()
    claim: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seeds(self) -> list[int]:
        """All seeds."""
        return [seed for group in self.groups for seed in group]

    def of(self, groups: Sequence[Sequence[int]]) -> Self:
        """Return the same for other seeds."""
        return replace(self, groups=[list(group) for group in groups])

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `to_text` has made into JSON."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Outcome:
    """What became of a chunk on its node.

    Attributes
    ----------
    node
        Name of the node.
    fetched
        Whether what the networks read had to be fetched for it.
    refused
        Why nothing was done; None where something was.
    failed
        Reasons by seed; the others are finished.
    said
        Lines for the user, of workers that had to be replaced.
    execution, seconds, memory
        What a probe has found.
    """

    node: str = ""
    fetched: bool = False
    refused: str | None = None
    failed: Mapping[int, str] = field(default_factory=dict)
    said: Sequence[str] = ()
    execution: Mapping[str, Any] | None = None
    seconds: float = 0.0
    memory: int = 0

    def to_text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `to_text` has made into JSON."""
        content = json.loads(text)
        failed = {int(seed): reason for seed, reason in content.pop("failed").items()}
        return cls(failed=failed, **content)


@dataclass(frozen=True)
class Lost:
    """A chunk of which nobody will say what became of it: its process, or its node, has ended."""

    reason: str


def last_line(text: str, otherwise: str = "no reason given") -> str:
    """What a message of many lines comes to, as a traceback does: its last line, if it has one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else otherwise
