"""What one run of the benchmark works on: its sizes, its repeats, and logs written when needed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, Outcome, run_operation
from benchmarks.sizes import Size

EPOCHS, COMPACTED, PEER = "epochs", "compacted", "peer"
"""How a log lies on disk: as written, after ``compact``, and as the peer writes it."""


@dataclass(frozen=True)
class Training:
    """A spec to train for real."""

    spec: Path
    seeds: int
    changes: dict[str, Any]

    @property
    def has_data(self) -> bool:
        """Whether what it trains on is here; the digits come with scikit-learn."""
        folder = Path(os.environ.get("LEARNORDER_DATA", "")) / "fashion-mnist"
        return "digits" in self.spec.name or folder.is_dir()


@dataclass(frozen=True)
class Sizes:
    """The sizes of one run.

    Attributes
    ----------
    logs
        Measured whole.
    written
        Written epoch by epoch, one replicate.
    compacted
        Rewritten again and again.
    votes
        Votes on many examples at one epoch.
    trained
        The training whose recording is timed.
    real
        Trainings whose logs are compacted.
    grown
        Logs of growing size, by what grows.
    """

    logs: Sequence[Size]
    written: Sequence[Size]
    compacted: Sequence[Size]
    votes: Sequence[Size]
    trained: Training
    real: Sequence[Training]
    grown: dict[str, Sequence[Size]]

    def lacks_data(self, section: str) -> bool:
        """Whether a section needs data that is not here."""
        trained = {"recording": (self.trained,), "real": self.real}.get(section, ())
        return not all(training.has_data for training in trained)

    @property
    def disk_bytes(self) -> int:
        """Space the logs need at most: each as written, compacted and by the peer."""
        grown = (size for sizes in self.grown.values() for size in sizes)
        return int(2.2 * sum(size.raw_bytes for size in (*self.logs, *self.compacted, *grown)))


EXAMPLES = ROOT / "examples"

_wide = Size(20, 50, 1_280_000, 1000)

FULL = Sizes(
    logs=(Size(100, 100, 60_000, 10), _wide),
    written=(Size(1, 50, 60_000, 10), Size(1, 20, 1_280_000, 1000)),
    compacted=(Size(20, 100, 60_000, 10), Size(20, 50, 128_000, 1000)),
    votes=tuple(Size(r, 1, 4_000_000 // r, k) for k in (10, 1000) for r in (20, 100)),
    trained=Training(EXAMPLES / "fashion_mnist_lenet.toml", 3, {}),
    real=(
        Training(EXAMPLES / "fashion_mnist_mlp.toml", 3, {"training.epochs": 100}),
        Training(EXAMPLES / "digits_mlp.toml", 3, {"training.epochs": 100}),
    ),
    grown={
        "examples": tuple(
            replace(_wide, examples=n) for n in (12_800, 40_000, 128_000, 400_000, 1_280_000)
        ),
        "replicates": tuple(Size(r, 50, 64_000, 1000) for r in (2, 6, 20, 60, 200)),
    },
)

QUICK = Sizes(
    logs=(Size(5, 4, 9000, 1000),),
    written=(Size(1, 4, 9000, 10),),
    compacted=(Size(3, 4, 9000, 10),),
    votes=(Size(5, 1, 2000, 10),),
    trained=Training(EXAMPLES / "digits_mlp.toml", 1, {"training.epochs": 2}),
    real=(Training(EXAMPLES / "digits_mlp.toml", 1, {"training.epochs": 2}),),
    grown={"examples": (Size(5, 4, 900, 1000), Size(5, 4, 9000, 1000))},
)


class Bench:
    """Sizes, repeats, and a folder with the logs, each written when it is first needed."""

    def __init__(self, sizes: Sizes, repeats: int, scratch: Path) -> None:
        self.sizes, self.repeats, self.scratch = sizes, repeats, scratch
        self._count = 0
        self._trained: list[tuple[Training, Path, Outcome]] = []

    def log(self, size: Size, form: str) -> Path:
        """Return the log of that size and form."""
        path = self.scratch / f"{'x'.join(map(str, asdict(size).values()))}.{form}.zarr"
        if path.exists():
            return path
        print(f"  writing {size}, {form}", file=sys.stderr, flush=True)
        if form == COMPACTED:
            self.clone(self.log(size, EPOCHS), path)
            run_operation("operations:compact", path=path)
        else:
            module = "peer" if form == PEER else "operations"
            run_operation(f"{module}:generate", path=path, size=asdict(size))
        return path

    def trained(self, training: Training) -> tuple[Path, Outcome]:
        """Return the log of a training, and what its worker said of its time."""
        for known, path, outcome in self._trained:
            if known == training:
                return path, outcome
        path = self.fresh()
        print(f"  training {training.spec.name} {training.changes}", file=sys.stderr, flush=True)
        outcome = run_operation(
            "real:train",
            spec=training.spec,
            out=path,
            seeds=list(range(training.seeds)),
            changes=training.changes,
        )
        self._trained.append((training, path, outcome))
        return path, outcome

    def clone(self, log: Path, path: Path) -> Path:
        """Copy a log by links."""
        run_operation("operations:clone", path=log, out=path)
        return path

    def fresh(self) -> Path:
        """Return a path at which nothing is yet."""
        self._count += 1
        return self.scratch / f"fresh-{self._count}.zarr"

    def once(self, name: str, **arguments: Any) -> Outcome:
        """Run an operation that writes to a path of its own, on one core, and remove that."""
        path = self.fresh()
        try:
            return run_operation(name, one_core=True, path=path, **arguments)
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def drop(self, size: Size) -> None:
        """Remove a log in all its forms."""
        for form in (EPOCHS, COMPACTED, PEER):
            name = f"{'x'.join(map(str, asdict(size).values()))}.{form}.zarr"
            shutil.rmtree(self.scratch / name, ignore_errors=True)
