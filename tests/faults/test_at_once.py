"""Many processes at one log at once: each replicate has one writer, readers see only prefixes."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest
from forks import Child, fork
from log_operations import EPOCHS, NAME, new_log, truth, write
from promises import FINISHED, examine
from tally import LONG, part

from learnorder.errors import LogBusy, SpecDiffers
from learnorder.log.compact import compact_log
from learnorder.log.garbage import collect_garbage
from learnorder.log.layout import planned_seeds, read_header
from learnorder.log.reader import open_log
from learnorder.log.verify import verify_log

N_WRITERS = 100


class Start:
    """Lets processes begin at one moment."""

    def __init__(self) -> None:
        self._waiting, self._holding = os.pipe()

    def wait(self) -> None:
        """Wait for the moment, in a child."""
        os.close(self._holding)
        os.read(self._waiting, 1)

    def now(self) -> None:
        """Let all begin, in the parent."""
        os.close(self._holding)
        os.close(self._waiting)


def all_at_once(acts) -> list[Child]:
    """Do each in a process of its own, beginning at one moment."""
    start = Start()

    def after_start(act):
        def wait_and_act(acknowledge):
            start.wait()
            act(acknowledge)

        return wait_and_act

    children = [fork(after_start(act)) for act in acts]
    start.now()
    return children


def poll(counts, path: Path, children: list[Child]) -> int:
    """Read the log again and again while it is written; return how often."""
    n = 0
    while any(child.is_running() for child in children):
        counts.add(examine(path, truth, EPOCHS, (), at_rest=False, ahead=None), f"look {n}")
        n += 1
    return n


def wait_for(counts, children: list[Child]) -> list[tuple[int, int]]:
    acknowledged = []
    for child in children:
        code = child.wait()
        acknowledged += child.acknowledged
        if code:
            counts.broken.append(f"a process ended with {code}")
    counts.acknowledged += len(acknowledged)
    return acknowledged


def test_a_hundred_writers_of_different_replicates_and_a_reader(memory_path):
    path = memory_path / NAME
    new_log(path)
    with part("100 writers at once") as counts:
        acts = [lambda ack, s=seed: write(path, s, 3, ack) for seed in range(N_WRITERS)]
        children = all_at_once(acts)
        looks = poll(counts, path, children)
        acknowledged = wait_for(counts, children)
        assert len(acknowledged) == N_WRITERS * 4
        assert looks
        counts.add(examine(path, truth, EPOCHS, acknowledged), "in the end")
        assert open_log(path)["test"].sizes["replicate"] == N_WRITERS


def test_readers_see_the_old_form_or_the_new_while_it_is_compacted_and_cleaned(memory_path):
    path = memory_path / NAME
    new_log(path)
    before: list[tuple[int, int]] = []
    with part("compact, gc and writers at once") as counts:
        for seed in range(20):
            write(path, seed, 3, lambda *pair: before.append(pair))

        def keep_order(_):
            for _ in range(3):
                compact_log(path)
                collect_garbage(path)

        acts = [keep_order, *(lambda ack, s=s: write(path, s, 3, ack) for s in range(20, 30))]
        children = all_at_once(acts)
        while poll(counts, path, children):
            pass
        acknowledged = before + wait_for(counts, children)
        counts.add(examine(path, truth, EPOCHS, acknowledged), "in the end")


def test_of_many_writers_of_one_replicate_one_has_it_and_the_others_are_told(memory_path):
    path = memory_path / NAME
    new_log(path)

    def write_or_be_told(acknowledge):
        try:
            write(path, 0, 3, lambda seed, position: (acknowledge(seed, position), time.sleep(0.6)))
        except LogBusy as error:
            assert "replicate 0 is being written by another process" in str(error)
            acknowledge(99, os.getpid())

    children = all_at_once([write_or_be_told] * 4)
    assert [child.wait() for child in children] == [0] * 4
    said = sorted(pair for child in children for pair in child.acknowledged)
    assert said[:4] == [(0, FINISHED), (0, 0), (0, 1), (0, 2)]
    assert [seed for seed, _ in said[4:]] == [99] * 3
    assert not examine(path, truth, EPOCHS, said[:4])
    assert len(list(path.glob("replicates/r0000/attempt-*"))) == 1


@pytest.mark.parametrize("n_identities", [1, 3])
def test_of_many_processes_that_create_one_log_each_gets_it_or_is_told(memory_path, n_identities):
    path = memory_path / NAME

    def create(identity):
        def act(acknowledge):
            with contextlib.suppress(SpecDiffers):
                new_log(path, f"identity {identity}")
                acknowledge(0, identity)

        return act

    for _ in range(20 if LONG else 2):
        children = all_at_once([create(number % n_identities) for number in range(12)])
        assert [child.wait() for child in children] == [0] * 12
        got = [position for child in children for _, position in child.acknowledged]
        assert len(got) == 12 // n_identities
        assert {f"identity {g}" for g in got} == {read_header(path).identity}
        assert verify_log(path).intact
        assert [p.name for p in memory_path.iterdir()] == [NAME]
        path.rename(memory_path.parent / f"{memory_path.name}-{os.urandom(4).hex()}")


def test_many_processes_that_enter_the_same_seeds_agree(memory_path):
    from learnorder.log.creation import plan_replicates

    path = memory_path / NAME
    new_log(path)
    children = all_at_once([lambda _: plan_replicates(path, range(30))] * 8)
    assert [child.wait() for child in children] == [0] * 8
    assert planned_seeds(path) == list(range(30))
    assert verify_log(path).intact
