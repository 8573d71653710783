"""How large a log is; free of numpy, so that the process that starts all others stays small."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """How large a log is, and which: the seed fixes every byte of its predictions."""

    replicates: int
    epochs: int
    examples: int
    classes: int
    seed: int = 0

    @property
    def n_predictions(self) -> int:
        """Predictions in the whole log."""
        return self.replicates * self.epochs * self.examples

    @property
    def item_bytes(self) -> int:
        """Bytes of one prediction, uncompressed."""
        return next(n for n in (1, 2, 4) if self.classes < 1 << (8 * n))

    @property
    def raw_bytes(self) -> int:
        """Bytes of all predictions, uncompressed."""
        return self.n_predictions * self.item_bytes

    def __str__(self) -> str:
        return (
            f"{self.replicates} x {self.epochs} x {self.examples:,} examples, "
            f"{self.classes:,} classes"
        )
