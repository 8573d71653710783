"""Synthetic logs that compress and measure as real ones do, of any size, in bounded memory.

Every example has a time at which networks tend to learn it (gamma, times a factor of its class),
shared by all replicates and shifted a little for each. A network that has not learned an example
mostly takes it for the class others take it for too, sometimes for another one that is confused
with its label. At each epoch a network reconsiders some of the examples it can still be unsure of,
so that predictions last from epoch to epoch, change less and less, and are forgotten at times.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from benchmarks.sizes import Size
from numpy.typing import NDArray

from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import EpochPredictions, Examples, Predictions, prediction_dtype

SPLIT = "test"
"""The one split of a synthetic log: what the commands look at by default."""

N_CONFUSED = 4
"""Classes that a class is mistaken for."""

CLASS_SPREAD, REPLICATE_SPREAD, DRAW_SPREAD = 0.15, 0.08, 0.2
"""Deviations of the log of the learning time, as shares of that between examples: between classes,
replicates, and single looks at an example."""

USUAL_MISTAKE = 0.8
"""Share of mistakes that all replicates make alike."""

RECONSIDERED = 0.7
"""Share of the open examples that a network looks at anew in its second epoch; less later on."""

SCALE = 60.0
"""Epochs after which few examples are still learned."""

DECAY = -0.4
"""Power of the epoch with which that share falls."""


@dataclass(frozen=True)
class World:
    """What all replicates of a log share.

    Attributes
    ----------
    label
        ``(example,)``, in random order, as a shuffled dataset has them.
    spread
        Deviation of the log of the learning time between examples.
    open
        Positions of the examples that some network may get wrong at some time, shuffled.
    time
        Log of the epoch at which each open example is typically learned.
    usual
        What each open example is mostly taken for while it is not learned.
    confused
        ``(class_id, N_CONFUSED)``, the classes each class is mistaken for.
    """

    label: Predictions
    spread: float
    open: NDArray[np.intp]
    time: NDArray[np.float32]
    usual: Predictions
    confused: Predictions

    @classmethod
    def draw(cls, size: Size) -> World:
        """Draw labels, difficulties and mistakes."""
        random = _generator(size.seed, 0)
        dtype, n = prediction_dtype(size.classes), size.examples
        label = random.integers(0, size.classes, n, dtype=dtype)
        # the more classes, the fewer examples are learned in the first epoch
        shape = 0.014 * np.log2(max(size.classes, 2)) ** 1.5
        spread = 1 / shape
        times = np.maximum(random.gamma(shape, SCALE, n), 1e-30)
        time = np.log(times) + spread * random.normal(0, CLASS_SPREAD, size.classes)[label]
        slack = 3 * spread * np.hypot(REPLICATE_SPREAD, DRAW_SPREAD)
        still_open = random.permutation(np.flatnonzero(time > -slack))
        other = random.integers(1, max(size.classes, 2), (size.classes, N_CONFUSED))
        confused = (np.arange(size.classes)[:, np.newaxis] + other) % size.classes
        usual = confused[label[still_open], random.integers(0, N_CONFUSED, len(still_open))]
        return cls(
            label,
            spread,
            still_open,
            time[still_open].astype(np.float32),
            usual.astype(dtype),
            confused.astype(dtype),
        )


def predictions(world: World, size: Size, replicate: int) -> Iterator[Predictions]:
    """Yield what one replicate predicts after each epoch."""
    random = _generator(size.seed, replicate + 1)
    shift = random.standard_normal(len(world.open), dtype=np.float32)
    time = world.time + np.float32(world.spread * REPLICATE_SPREAD) * shift
    current = world.label.copy()
    for epoch in range(1, size.epochs + 1):
        share = 1.0 if epoch == 1 else RECONSIDERED * (epoch / 2) ** DECAY
        for part in _window(len(world.open), share, random):
            _reconsider(world, time, part, epoch, current, random)
        yield current.copy()


def _reconsider(
    world: World,
    time: NDArray[np.float32],
    part: slice,
    epoch: int,
    current: Predictions,
    random: np.random.Generator,
) -> None:
    """Look at some of the open examples anew."""
    where, late = world.open[part], time[part]
    noise = random.standard_normal(len(where), dtype=np.float32)
    noise *= world.spread * DRAW_SPREAD
    answer = world.label[where]
    wrong = np.flatnonzero(late + noise > np.log(epoch))
    mistake = world.usual[part][wrong]
    odd = np.flatnonzero(random.random(len(wrong), dtype=np.float32) > USUAL_MISTAKE)
    mistake[odd] = world.confused[answer[wrong[odd]], random.integers(0, N_CONFUSED, len(odd))]
    answer[wrong] = mistake
    current[where] = answer


def _window(n: int, share: float, random: np.random.Generator) -> Iterator[slice]:
    """Yield a stretch of that share from a random place, going on at the start at the end."""
    width, start = round(n * share), int(random.integers(max(n, 1)))
    yield slice(start, min(start + width, n))
    yield slice(0, max(0, start + width - n))


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64([seed, stream]))


def write_log(path: Path, size: Size, replicates: range | None = None) -> World:
    """Write replicates, all of them by default, through the product's own writer.

    What is there already stays: it is generated again and compared.
    """
    world = World.draw(size)
    ids = np.arange(size.examples)
    examples = Examples(ids, world.label.astype(np.int64))
    identity = f"synthetic {asdict(size) | {'replicates': None}}"
    about = {
        "name": "synthetic",
        "kind": "synthetic",
        "fingerprint": examples.fingerprint(),
        "class_names": [str(k) for k in range(size.classes)],
    }
    create_log(path, NewLog({}, identity, about, {}, {SPLIT: (examples, None)}))
    for replicate in range(size.replicates) if replicates is None else replicates:
        write_replicate(path, world, size, replicate)
    return world


@contextmanager
def hasty() -> Iterator[None]:
    """Switch fsync off: what a seed brings back need not survive a power cut."""
    fsync, os.fsync = os.fsync, lambda _: None
    try:
        yield
    finally:
        os.fsync = fsync


def write_replicate(path: Path, world: World, size: Size, replicate: int) -> None:
    """Write one replicate, from where it stands."""
    epochs = [float(e) for e in range(1, size.epochs + 1)]
    with ReplicateWriter(path, replicate, epochs, {}) as writer:
        if writer.attempt.is_finished:
            return
        for index, votes in enumerate(predictions(world, size, replicate)):
            writer.write(EpochPredictions(replicate, index, epochs[index], {SPLIT: votes}))
        writer.finish()


def main() -> None:
    """Write a log of the size asked for, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("replicates", 20), ("epochs", 50), ("examples", 60_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = vars(parser.parse_args())
    out, size = given.pop("out"), Size(**given)
    print(f"{size}: {size.raw_bytes / 1e6:,.0f} MB uncompressed", file=sys.stderr)
    start = time.perf_counter()
    with hasty():
        write_log(out, size)
    seconds = time.perf_counter() - start
    print(f"{out}: {size.n_predictions / seconds / 1e6:.0f} M predictions a second")


if __name__ == "__main__":
    main()
