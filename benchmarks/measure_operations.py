"""Operations on measures that are timed, each for a process of its own, on arrays in memory."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from benchmarks.operations import stopwatch
from benchmarks.plain_measures import ONE_LINERS, resampled
from benchmarks.sizes import Size
from benchmarks.synthetic import World, predictions


def draw(path: str, size: dict[str, int]) -> dict[str, float]:
    """Write the predictions of two collections of one synthetic world, and the labels, as .npy."""
    asked, folder = Size(**size), Path(path)
    folder.mkdir()
    world = World.draw(asked)
    np.save(folder / "label.npy", world.label)
    for name, first in (("a", 0), ("b", asked.replicates)):
        shape = (asked.replicates, asked.epochs, asked.examples)
        votes = np.empty(shape, world.label.dtype)
        for r in range(asked.replicates):
            for e, at_epoch in enumerate(predictions(world, asked, first + r)):
                votes[r, e] = at_epoch
        np.save(folder / f"{name}.npy", votes)
    return {}


def compare(path: str) -> dict[str, float]:
    """Everything `learnorder.compare` says of two collections, overall and within class."""
    import learnorder

    votes, label = _loaded(path)
    names = [str(k) for k in range(int(label.max()) + 1)]
    logs = {k: learnorder.from_arrays(v, label, class_names=names) for k, v in votes.items()}
    from learnorder.comparison.compare import compare as compare_logs

    with stopwatch() as gone:
        found = compare_logs(logs)
        seconds = gone()
    pair = found.pairs[0]
    assert pair.pearson is not None
    return {"seconds": seconds, "peak_bytes": peak_bytes(), "pearson": pair.pearson}


def loop(path: str, resamples: int, wanted: int) -> dict[str, float]:
    """Time the plain loop over some resamples, scaled to as many as are wanted."""
    votes, label = _loaded(path)
    with stopwatch() as gone:
        a, b = ((v == label).mean(axis=1) for v in votes.values())
        before = gone()
        resampled(a, b, resamples)
        seconds = before + (gone() - before) * wanted / resamples
    pearson = float(np.corrcoef(a.mean(axis=0), b.mean(axis=0))[0, 1])
    return {"seconds": seconds, "peak_bytes": peak_bytes(), "pearson": pearson}


def one_liners(path: str, repeats: int) -> dict[str, dict[str, list[float]]]:
    """Seconds of each measure here and of each way to write it, in turn."""
    import learnorder

    votes, label = _loaded(path)
    prediction = votes["a"]
    names = [str(k) for k in range(int(label.max()) + 1)]
    log = learnorder.from_arrays(prediction, label, class_names=names)
    found: dict[str, dict[str, list[float]]] = {}
    for measure, ways in ONE_LINERS.items():
        function = getattr(learnorder, measure)
        all_ways = {"here": lambda _, __, function=function: function(log).values, **ways}
        seconds: dict[str, list[float]] = {name: [] for name in all_ways}
        for repeat in range(repeats + 1):
            for name, way in all_ways.items():
                with stopwatch() as gone:
                    value = way(prediction, label)
                    took = gone()
                if not repeat:  # once untimed: imports, and memory that is new
                    np.testing.assert_allclose(value, function(log).values, rtol=1e-6)
                else:
                    seconds[name].append(took)
        found[measure] = seconds
    return found


def peak_bytes() -> int:
    """Most memory this process has had, which that of its parent does not count towards."""
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
    assert found is not None
    return int(found.group(1)) << 10


def _loaded(path: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    folder = Path(path)
    return {k: np.load(folder / f"{k}.npy") for k in "ab"}, np.load(folder / "label.npy")
