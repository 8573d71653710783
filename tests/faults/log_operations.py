"""Operations on a log that may be interrupted anywhere: one more operation is one more entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faulty_system import FaultySystem, Kill
from forks import fork
from promises import FINISHED, read_everything

from learnorder.errors import LogDamaged
from learnorder.log import compact, garbage
from learnorder.log.compact import CompactionReport
from learnorder.log.creation import NewLog, create_log, plan_replicates
from learnorder.log.garbage import GarbageReport
from learnorder.log.layout import planned_seeds
from learnorder.log.merge import merge_logs
from learnorder.log.reader import open_log
from learnorder.log.resume import drop_state, load_state, save_state
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import PREDICTION, PROBABILITY, EpochPredictions, Examples

Sizes = Mapping[str, int]

SIZES: Sizes = {"train": 8, "test": 5}
EPOCHS = [1.0, 2.0, 3.0, 4.0]
NAME = "log.zarr"

Acknowledge = Callable[[int, int], None]


@dataclass(frozen=True)
class Operation:
    """Something done to the log ``NAME`` in a folder, as often as it takes.

    Attributes
    ----------
    prepare
        Makes what is there before, in an empty folder; acknowledges what it writes.
    act
        The operation. It acknowledges what it has been told is safe.
    done
        Checks, by assertions, what holds once it has passed.
    old_or_new
        Checks what holds besides the log's promises when it was interrupted.
    ahead
        Epochs of a replicate that may be there beyond what was acknowledged; None: any number.
    """

    name: str
    prepare: Callable[[Path, Acknowledge], None]
    act: Callable[[Path, Acknowledge], None]
    done: Callable[[Path], None]
    old_or_new: Callable[[Path], None] = lambda _: None
    ahead: int | None = 1

    def __str__(self) -> str:
        return self.name


def truth(seed: int, position: int, sizes: Sizes = SIZES) -> dict[str, np.ndarray]:
    """What is recorded of a replicate at a position of the grid, by lane."""
    rng = np.random.default_rng([seed, position])
    votes = {split: rng.integers(0, 3, n).astype(np.uint8) for split, n in sizes.items()}
    return votes | {
        f"{s}~{PROBABILITY}": rng.random(n, "f4").astype("f2") for s, n in sizes.items()
    }


def record(seed: int, position: int, sizes: Sizes = SIZES) -> EpochPredictions:
    """The same, as it is written."""
    lanes = truth(seed, position, sizes)
    probabilities = {split: lanes[f"{split}~{PROBABILITY}"] for split in sizes}
    votes = {split: lanes[split] for split in sizes}
    of_label = {PROBABILITY: probabilities}
    return EpochPredictions(seed, position, position + 1.0, votes, of_label)


def new_log(path: Path, identity: str = "identity", sizes: Sizes = SIZES) -> None:
    """Create an empty log."""
    splits = {s: (Examples(np.arange(n), np.arange(n) % 3), None) for s, n in sizes.items()}
    about = {"name": "d", "kind": "features", "fingerprint": "f", "class_names": ["a", "b", "c"]}
    quantities = (PREDICTION, PROBABILITY)
    new = NewLog({}, identity, about, {"learnorder": "0"}, splits, {}, quantities)
    create_log(path, new)


def write(
    path: Path,
    seed: int,
    n_epochs: int,
    acknowledge: Acknowledge,
    stop_after: int | None = None,
    sizes: Sizes = SIZES,
    *,
    is_open: bool = False,
) -> None:
    """Write a replicate from the first epoch, as training that starts again would.

    With an open grid, as a recorder does, which does not know what will come.
    """
    with ReplicateWriter(path, seed, None if is_open else EPOCHS[:n_epochs], {}) as writer:
        for position in range(n_epochs)[:stop_after]:
            writer.write(record(seed, position, sizes))
            acknowledge(seed, position)
        if stop_after is None:
            writer.finish()
            acknowledge(seed, FINISHED)


def finished_log(folder: Path, acknowledge: Acknowledge, n_epochs: int = 3, seeds: int = 2) -> None:
    """Make a log of finished replicates."""
    new_log(folder / NAME)
    for seed in range(seeds):
        write(folder / NAME, seed, n_epochs, acknowledge)


def _require(path: Path, seeds: list[int], n_epochs: int) -> None:
    test = open_log(path)["test"]
    assert test.seed.values.tolist() == seeds
    assert test.epoch.values.tolist() == EPOCHS[:n_epochs]
    assert verify_log(path).intact


def _create_done(folder: Path) -> None:
    assert sorted(open_log(folder / NAME)) == ["test", "train"]


def _interrupted(folder: Path, acknowledge: Acknowledge) -> None:
    new_log(folder / NAME)
    write(folder / NAME, 0, 3, acknowledge, stop_after=2)


def _half_an_epoch(folder: Path, acknowledge: Acknowledge) -> None:
    """An open grid of two epochs, and what a kill between the lanes of the third has left."""
    new_log(folder / NAME)
    write(folder / NAME, 0, 2, acknowledge, stop_after=2, is_open=True)
    write(folder / NAME, 0, 3, lambda *_: None, stop_after=3, is_open=True)
    (last,) = (folder / NAME).glob(f"replicates/*/*/commits/test~{PROBABILITY}/000002.json")
    last.unlink()


def _fail(folder: Path, acknowledge: Acknowledge) -> None:
    with ReplicateWriter(folder / NAME, 0, EPOCHS[:3], {}) as writer:
        writer.fail("error", 3.0, "the fan fell off")


def _failed(folder: Path) -> None:
    (state,) = open_log(folder / NAME).replicates
    assert (state.status, state.reason) == ("failed", "the fan fell off")


def _save(folder: Path, _: Acknowledge, step: int = 2) -> None:
    save_state(folder / NAME, 0, {"network/w": np.full(400, step)}, {"step": step})


def _kept_step(folder: Path) -> int | None:
    """Step of the state that is kept, which is whole."""
    kept = load_state(folder / NAME, 0)
    if kept is None:
        return None
    arrays, about = kept
    assert (arrays["network/w"] == about["step"]).all()
    return int(about["step"])


def _state_kept(folder: Path, acknowledge: Acknowledge) -> None:
    _interrupted(folder, acknowledge)
    _save(folder, acknowledge, step=1)


def _is(expected: set[int | None]) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        assert _kept_step(folder) in expected

    return check


def _two_and_a_half(folder: Path, acknowledge: Acknowledge) -> None:
    finished_log(folder, acknowledge)
    write(folder / NAME, 2, 3, acknowledge, stop_after=2)


def _read(folder: Path, _: Acknowledge) -> None:
    """Read both ways; what comes back, if anything comes back, is everything."""
    assert planned_seeds(folder / NAME) == [0, 1, 2]
    assert read_everything(folder / NAME)
    test = open_log(folder / NAME, unfinished=True)["test"]
    for seed, n_epochs in ((0, 3), (1, 3), (2, 2)):
        for position in range(n_epochs):
            cell = test.sel(replicate=seed, epoch=EPOCHS[position])
            expected = record(seed, position)
            # by `values`: `array_equal` takes an error while reading for a difference
            assert np.array_equal(cell.prediction.values, expected.predictions["test"])
            assert np.array_equal(cell.probability.values, expected.of_label[PROBABILITY]["test"])


def _verify(folder: Path, _: Acknowledge) -> None:
    """Verify; what is looked at cannot pass as intact when a part of it could not be read."""
    found = verify_log(folder / NAME)
    assert not found.intact or (found.n_replicates, found.n_epochs) == (3, 3 + 3 + 2)


def compact_log(path: Path) -> CompactionReport:
    """Compact as the command does, which fails if a replicate could not be."""
    report = compact.compact_log(path)
    if report.damaged:
        raise LogDamaged(str(report.damaged))
    return report


def collect_garbage(path: Path, *, dry_run: bool = False) -> GarbageReport:
    """Clean up as the command does, which fails if a replicate could not be looked at."""
    report = garbage.collect_garbage(path, dry_run=dry_run)
    if report.damaged:
        raise LogDamaged(str(report.damaged))
    return report


def _compacted(folder: Path, acknowledge: Acknowledge) -> None:
    finished_log(folder, acknowledge)
    compact_log(folder / NAME)


def _compacted_and_extended(folder: Path, acknowledge: Acknowledge) -> None:
    _compacted(folder, acknowledge)
    write(folder / NAME, 0, 4, acknowledge)


def _is_compact(n_epochs: int, seeds: list[int]) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        _require(folder / NAME, seeds, n_epochs)
        assert compact_log(folder / NAME).already == seeds
        for seed in seeds:
            assert not list((folder / NAME).glob(f"replicates/r{seed:04d}/*/segment-*"))

    return check


def _with_remains(folder: Path, acknowledge: Acknowledge) -> None:
    """Two finished replicates, and what a killed writer, compaction and creation left behind."""
    finished_log(folder, acknowledge)
    path = folder / NAME
    steps = {
        lambda acknowledge: write(path, 2, 3, acknowledge): (60, 120),
        lambda _: compact_log(path): (30, 60),
        lambda _: new_log(folder / "other.zarr"): (40,),
    }
    for act, moments in steps.items():
        for step in moments:
            _kill_at(folder, act, step, acknowledge)
    new_log(folder / "other.zarr")


def _kill_at(
    folder: Path, act: Callable[[Acknowledge], object], step: int, to: Acknowledge
) -> None:
    def disturbed(acknowledge: Acknowledge) -> None:
        with FaultySystem(folder, Kill("before"), at=step):
            act(acknowledge)

    child = fork(disturbed)
    assert child.wait() < 0
    for pair in child.acknowledged:
        to(*pair)


def _clean(folder: Path) -> None:
    assert collect_garbage(folder / NAME, dry_run=True).paths == []
    assert verify_log(folder / NAME).orphans == []
    assert not list(folder.rglob("*.partial"))


def _collect(folder: Path, _: Acknowledge) -> None:
    for name in (NAME, "other.zarr"):
        collect_garbage(folder / name)


def _apart(folder: Path, _: Acknowledge) -> None:
    for name, seeds in (("a.zarr", (0, 1)), ("b.zarr", (1, 2))):
        new_log(folder / name)
        for seed in seeds:
            write(folder / name, seed, 3, lambda *_: None)
    compact_log(folder / "b.zarr")


def _merge(folder: Path, acknowledge: Acknowledge) -> None:
    if not (folder / NAME).exists():
        merge_logs([folder / "a.zarr", folder / "b.zarr"], folder / NAME)
    for seed in range(3):
        for position in (FINISHED, *range(3)):
            acknowledge(seed, position)


def _sources_intact(folder: Path) -> None:
    for name in ("a.zarr", "b.zarr"):
        assert verify_log(folder / name).intact


OPERATIONS = [
    Operation("create", lambda *_: None, lambda f, _: new_log(f / NAME), _create_done),
    Operation(
        "plan",
        lambda f, _: new_log(f / NAME),
        lambda f, _: plan_replicates(f / NAME, range(3)),
        lambda f: _expect(planned_seeds(f / NAME), [0, 1, 2]),
    ),
    Operation(
        "write",
        lambda f, _: new_log(f / NAME),
        lambda f, acknowledge: write(f / NAME, 0, 3, acknowledge),
        lambda f: _require(f / NAME, [0], 3),
    ),
    Operation(
        "go on",
        _interrupted,
        lambda f, acknowledge: write(f / NAME, 0, 3, acknowledge),
        lambda f: _require(f / NAME, [0], 3),
    ),
    Operation(
        "finish",
        _interrupted,
        lambda f, acknowledge: write(f / NAME, 0, 2, acknowledge),
        lambda f: _require(f / NAME, [0], 2),
    ),
    Operation(
        "extend",
        finished_log,
        lambda f, acknowledge: [write(f / NAME, seed, 4, acknowledge) for seed in (0, 1)],
        lambda f: _require(f / NAME, [0, 1], 4),
    ),
    Operation(
        "record",
        lambda f, _: new_log(f / NAME),
        lambda f, acknowledge: write(f / NAME, 0, 3, acknowledge, is_open=True),
        lambda f: _require(f / NAME, [0], 3),
    ),
    Operation(
        "go on recording",
        _half_an_epoch,
        lambda f, acknowledge: write(f / NAME, 0, 4, acknowledge, is_open=True),
        lambda f: _require(f / NAME, [0], 4),
    ),
    Operation(
        "finish half an epoch",
        _half_an_epoch,
        lambda f, acknowledge: write(f / NAME, 0, 2, acknowledge, is_open=True),
        lambda f: _require(f / NAME, [0], 2),
    ),
    Operation("fail", _interrupted, _fail, _failed),
    Operation("save state", _state_kept, _save, _is({2}), _is({1, 2})),
    Operation(
        "drop state",
        _state_kept,
        lambda f, _: drop_state(f / NAME, 0),
        _is({None}),
        _is({1, None}),
    ),
    Operation(
        "compact",
        _two_and_a_half,
        lambda f, _: compact_log(f / NAME),
        _is_compact(3, [0, 1]),
    ),
    Operation(
        "extend compacted",
        _compacted,
        lambda f, acknowledge: [write(f / NAME, seed, 4, acknowledge) for seed in (0, 1)],
        lambda f: _require(f / NAME, [0, 1], 4),
    ),
    Operation(
        "compact again",
        _compacted_and_extended,
        lambda f, _: compact_log(f / NAME),
        _is_compact(3, [0, 1]),
    ),
    Operation("gc", _with_remains, _collect, _clean),
    Operation(
        "merge",
        _apart,
        _merge,
        lambda f: _require(f / NAME, [0, 1, 2], 3),
        _sources_intact,
        ahead=None,
    ),
    Operation("read", _two_and_a_half, _read, lambda f: _read(f, lambda *_: None)),
    Operation("verify", _two_and_a_half, _verify, lambda f: _verify(f, lambda *_: None)),
]


def _expect(found: object, expected: object) -> None:
    assert found == expected
