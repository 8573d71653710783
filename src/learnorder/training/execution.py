"""How a collection is trained: settled before its first replicate, kept, and the same for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from learnorder.training.spec import TrainingSpec

Precision = Literal["float32", "bfloat16"]

EARLIER_EVALUATION_BATCH = 500
"""What logs that do not say it were evaluated in."""


@dataclass(frozen=True)
class Execution:
    """What fixes the last bits of predictions beside spec, data and seed.

    Attributes
    ----------
    executor
        Name of the executor, see `learnorder.training.executors`.
    width
        Replicates trained side by side; a group of fewer is filled up to it.
    precision
        Arithmetic of the forward pass; weights are float32 always.
    device
        ``cpu``, ``cuda`` or ``cuda:1``.
    evaluation_batch
        Examples predicted at once; it can change the last bits as well.
    """

    executor: str = "sequential"
    width: int = 1
    precision: Precision = "float32"
    device: str = "cpu"
    evaluation_batch: int = 100  # measured: the activations of so many stay in the cache

    @classmethod
    def of(cls, spec: TrainingSpec) -> Execution:
        """Return the plainest execution that does what a spec says: one by one."""
        wanted = spec.training.precision
        precision: Precision = "bfloat16" if wanted == "bfloat16" else "float32"
        return cls(precision=precision, device=spec.execution.device)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types, for the header of a log."""
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Execution:
        """Read what a header keeps; logs that say nothing were trained one by one on the CPU."""
        return cls(
            str(kept.get("executor", "sequential")),
            int(kept.get("width", 1)),
            cast(Precision, kept.get("precision", "float32")),
            str(kept.get("device", "cpu")),
            int(kept.get("evaluation_batch", EARLIER_EVALUATION_BATCH)),
        )
