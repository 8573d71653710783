"""What one replicate is given on a cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass

from learnorder.errors import LearnOrderError
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class Resources:
    """Cores, graphics cards (parts of one are allowed) and gigabytes of memory of a replicate.

    A replicate trains on one thread; more cores keep others away from its memory and caches.

    Raises
    ------
    LearnOrderError
        One is no positive number; no cards at all are allowed, and so is memory that is not said.
    """

    cpus: float = 1
    gpus: float = 0
    memory_gb: float | None = None

    def __post_init__(self) -> None:
        for name, value, least in (
            ("cpus", self.cpus, "above 0"),
            ("gpus", self.gpus, "of 0 to 1, or a whole one above"),
            ("memory_gb", self.memory_gb, "above 0, or left out"),
        ):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            allowed = value is None and name == "memory_gb"
            if is_number and value is not None and math.isfinite(value):
                allowed = value > 0 or (name == "gpus" and value == 0)
            if name == "gpus" and allowed and value is not None and value > 1:
                allowed = value == int(value)  # a replicate has a part of one, or whole ones
            if not allowed:
                raise LearnOrderError(
                    f"train: {name} = {value!r} of a replicate. It is a number {least}. Give for "
                    "example cpus = 1, gpus = 0.5, memory_gb = 4."
                )

    def check(self, spec: TrainingSpec) -> None:
        """Refuse cards that nothing would be trained on.

        Raises
        ------
        LearnOrderError
            Some are set aside, and the spec trains on the CPU; or the other way round.
        """
        device = spec.execution.device
        if (self.gpus > 0) != device.startswith("cuda"):
            raise LearnOrderError(
                f"train: gpus = {self.gpus:g} for a replicate, and execution.device = {device!r}. "
                "Replicates that train on a graphics card are given one, or a part of one, and "
                "others none. Give both, as --gpus-per-replicate 1 --set execution.device=cuda."
            )
