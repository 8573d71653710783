"""Whatever happens to a file of a finished log, `verify` names it and no reader believes it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from log_operations import EPOCHS, NAME, new_log, record, truth, write
from promises import Findings, examine
from tally import LONG, SEED, Counts, part
from trials import try_each

from learnorder.cli import main
from learnorder.errors import LearnOrderError, LogDamaged
from learnorder.log.compact import compact_log
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log
from learnorder.log.writer import ReplicateWriter
from learnorder.schema import PREDICTION, PROBABILITY

SIZES = {"train": 9000, "test": 700}
"""More than the 8192 examples of one compact chunk, and files longer than a sector."""

QUICK_TRIALS = 40
"""Damages tried to each form of a log in the quick form, drawn at random."""

SECTOR = 512


def flip(place: Callable[[int], int]) -> Callable[[bytes, random.Random], bytes]:
    def damage(content: bytes, rng: random.Random) -> bytes:
        changed = bytearray(content)
        changed[min(place(len(content)), len(content) - 1)] ^= 1 << rng.randrange(8)
        return bytes(changed)

    return damage


def flip_anywhere(content: bytes, rng: random.Random) -> bytes:
    return flip(lambda n: rng.randrange(n))(content, rng)


def zero_a_sector(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(0, len(content), SECTOR)
    stop = min(start + SECTOR, len(content))
    return content[:start] + bytes(stop - start) + content[stop:]


DAMAGES = {
    "first bit": flip(lambda _: 0),
    "middle bit": flip(lambda n: n // 2),
    "last bit": flip(lambda n: n - 1),
    "some bit": flip_anywhere,
    "another bit": flip_anywhere,
    "last byte gone": lambda content, _: content[:-1],
    "half gone": lambda content, _: content[: len(content) // 2],
    "emptied": lambda *_: b"",
    "a sector of zeros": zero_a_sector,
    "a byte more": lambda content, _: content + b"\n",
    "missing": None,
}


def epochs_apart(folder: Path) -> None:
    new_log(folder / NAME, sizes=SIZES)
    for seed in range(3):
        write(folder / NAME, seed, 3, lambda *_: None, sizes=SIZES)


def compacted(folder: Path) -> None:
    epochs_apart(folder)
    compact_log(folder / NAME)


def compacted_and_extended(folder: Path) -> None:
    compacted(folder)
    for seed in (0, 2):
        write(folder / NAME, seed, 4, lambda *_: None, sizes=SIZES)


FORMS = [epochs_apart, compacted, compacted_and_extended]


@pytest.fixture(params=FORMS, ids=lambda f: f.__name__, scope="module")
def log(request, memory_folder):
    folder = memory_folder()
    request.param(folder)
    return folder / NAME


def files_of(log: Path) -> list[Path]:
    """Files of a log by name in it, but for the locks, which hold nothing."""
    paths = (p for p in log.rglob("*") if p.is_file() and p.name != "claim")
    return sorted(p.relative_to(log) for p in paths)


def copy_of(log: Path, folder: Path) -> Path:
    """Copy a log by links; a file that is damaged becomes one of its own."""
    return Path(shutil.copytree(log, folder, copy_function=os.link))


def put(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.fixture
def trials(log):
    """Pairs of what is done and the files it changes, with their new content; None: removed."""
    rng = random.Random(SEED)
    files = {name: (log / name).read_bytes() for name in files_of(log)}
    found = []
    for name, content in files.items():
        for kind, damage in DAMAGES.items():
            changed = damage(content, rng) if damage and content else None
            if changed != content:
                found.append((kind, {name: changed}))
        siblings = [o for o in files if kind_of(o) == kind_of(name) and files[o] != content]
        chosen = rng.sample(siblings, min(len(siblings), 3))
        found += [("swapped", {name: files[other], other: content}) for other in chosen]
    return found if LONG else rng.sample(found, QUICK_TRIALS)


def kind_of(name: Path) -> tuple[str, int]:
    """Same for chunks, for records, and so on, of whatever replicate, split and epoch."""
    return re.sub(r"[0-9a-f]{32}|\d+", "N", name.name), len(name.parts)


def test_damage_to_any_file_is_named_and_never_believed(log, trials, memory_path, request):
    intact = sorted(open_log(log)["test"].seed.values.tolist())

    def trial(counts, numbered):
        number, (kind, changes) = numbered
        copy = copy_of(log, memory_path / f"{number}.zarr")
        for name, content in changes.items():
            put(copy / name, content)
        what = f"{kind}: {', '.join(map(str, changes))}"
        counts.damaged += len(changes)
        check_named(counts, copy, changes, what)
        check_not_believed(counts, copy, intact, what)
        shutil.rmtree(copy)

    with part(f"damage: {request.node.callspec.id}") as counts:
        try_each(counts, list(enumerate(trials)), trial)


def check_named(counts: Counts, copy: Path, changes, what: str) -> None:
    """The command exits with status 1 and names the file, or the other one of a pair."""
    done = CliRunner().invoke(main, ["verify", str(copy), "--json"])
    if done.exit_code == 0:
        counts.undetected += 1
        counts.broken.append(f"undetected: {what}")
    elif done.stdout:
        named = [p["file"] + p["problem"] for p in json.loads(done.stdout)["problems"]]
    else:
        named = [done.stderr]
    if done.exit_code == 0:
        return
    if changes.keys() == {Path("zarr.json")}:  # without its header nothing is known of it
        is_named = str(copy) in named[0]
    else:
        is_named = any(str(copy / name) in line for name in changes for line in named)
    if done.exit_code != 1 or not is_named:
        said = " | ".join(named).replace(f"{copy}/", "") or repr(done.exception)
        counts.broken.append(f"not named: {what}; but {said[:200]}")


def check_not_believed(counts: Counts, copy: Path, intact: list[int], what: str) -> None:
    """Reading raises one line, or gives what was written; what it leaves out, it names."""
    wrong = []
    for split in SIZES:
        try:
            data = open_log(copy)[split]
            values = {name: data[name].values for name in (PREDICTION, PROBABILITY)}
        except LearnOrderError as error:
            wrong += [f"not one line: {error}"] if "\n" in str(error) else []
            continue
        seeds = data.seed.values.tolist()
        left_out = [state["seed"] for state in data.attrs["left_out"]]
        if sorted(seeds + left_out) != intact:
            wrong.append(f"{split}: only {seeds} are there and {left_out} left out")
        if not np.array_equal(data.label.values, np.arange(SIZES[split]) % 3):
            wrong.append(f"{split}: labels")
        for row, seed in enumerate(seeds):
            for column, epoch in enumerate(data.epoch.values.tolist()):
                expected = truth(seed, EPOCHS.index(epoch), SIZES)
                for quantity, name in lanes_of(split).items():
                    if not np.array_equal(values[quantity][row, column], expected[name]):
                        wrong.append(f"{name}: seed {seed}, epoch {epoch}")
    counts.add(Findings(wrong=wrong), what)


def lanes_of(split: str) -> dict[str, str]:
    """Names of the lanes of a split, by quantity."""
    return {PREDICTION: split, PROBABILITY: f"{split}~{PROBABILITY}"}


def one_interrupted(folder: Path, n_epochs: int = 3) -> Path:
    path = folder / NAME
    new_log(path, sizes=SIZES)
    write(path, 0, 4, lambda *_: None, stop_after=n_epochs, sizes=SIZES)
    return path


def only(path: Path, pattern: str) -> Path:
    (found,) = path.glob(pattern)
    return found


def test_record_without_its_chunk_is_named_and_read_as_nothing(memory_path):
    path = one_interrupted(memory_path)
    chunk = only(path, "replicates/r0000/attempt-*/segment-*/test/c.1.0")
    chunk.unlink()
    assert [p.file for p in verify_log(path).problems] == [str(chunk)]
    test = open_log(path, unfinished=True)["test"].prediction
    with pytest.raises(LogDamaged, match=re.escape(str(chunk))):
        test.sel(epoch=2.0).values  # noqa: B018
    assert np.array_equal(test.sel(epoch=3.0).values[0], truth(0, 2, SIZES)["test"])


def test_chunk_without_its_record_is_nothing_and_written_again(memory_path):
    path = one_interrupted(memory_path)
    only(path, "replicates/r0000/attempt-*/commits/test/000002.json").unlink()
    assert verify_log(path).problems == []
    assert open_log(path, unfinished=True)["test"].sizes["epoch"] == 2
    write(path, 0, 4, lambda *_: None, sizes=SIZES)
    everything = [(0, position) for position in range(4)]
    assert not examine(path, lambda s, p: truth(s, p, SIZES), EPOCHS, everything)


@pytest.mark.parametrize(
    ("form", "position"),
    [(epochs_apart, 0), (epochs_apart, 2), (epochs_apart, 3), (compacted, 3)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_record_lost_while_a_finished_replicate_is_extended_is_noticed(memory_path, form, position):
    form(memory_path)
    path = memory_path / NAME
    grid = [*EPOCHS, 5.0]
    with ReplicateWriter(path, 1, grid, {}) as writer:
        for index in range(len(grid)):
            writer.write(record(1, index, SIZES))
    lost = only(path, f"replicates/r0001/attempt-*/commits/test/{position:06d}.json")
    lost.unlink()
    (problem,) = verify_log(path).problems
    assert str(lost) in problem.file + problem.problem
    with pytest.raises(LogDamaged, match=lost.name):
        open_log(path)["test"].prediction.values  # noqa: B018
