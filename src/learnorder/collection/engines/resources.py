"""What one replicate is given on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from learnorder.errors import LearnOrderError


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
            ("gpus", self.gpus, "0 or more"),
            ("memory_gb", self.memory_gb, "above 0, or left out"),
        ):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            allowed = value is None if name == "memory_gb" else False
            if is_number and value is not None:
                allowed = value > 0 or (name == "gpus" and value == 0)
            if not allowed:
                raise LearnOrderError(
                    f"train: {name} = {value!r} of a replicate. It is a number {least}. Give for "
                    "example cpus = 1, gpus = 0.5, memory_gb = 4."
                )
