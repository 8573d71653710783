"""Built-in networks by name, and any callable by import string; the listing needs no torch."""

from __future__ import annotations

from learnorder.training.architectures.construction import build
from learnorder.training.architectures.table import (
    ArchitectureEntry,
    check_architecture,
    known_architectures,
)

__all__ = ["ArchitectureEntry", "build", "check_architecture", "known_architectures"]
