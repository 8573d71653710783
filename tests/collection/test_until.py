"""Replicates are added in rounds until the order is reliable enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

import learnorder as lo
from learnorder.collection import until
from learnorder.collection.train import TrainingResult, train_collection
from learnorder.collection.until import (
    UntilResult,
    problem_line,
    round_size,
    train_until,
    with_more_seeds,
)
from learnorder.errors import LearnOrderError
from learnorder.log.creation import NewLog, create_log, is_vacant, plan_replicates
from learnorder.log.location import locate
from learnorder.log.reader import Log, open_log
from learnorder.log.writer import ReplicateWriter
from learnorder.measures.planning import replicates_needed
from learnorder.schema import EpochPredictions, Examples
from learnorder.training.execution import Execution

N_EXAMPLES, N_EPOCHS = 200, 3


@dataclass(frozen=True)
class Found:
    """What a measure may say."""

    n_replicates: int
    reliability: float | None = 0.8
    reliability_ci: tuple[float, float] | None = (0.7, 0.9)
    more_for_low: int | None = 3
    undefined: dict[str, str] = field(default_factory=dict)


class Trainer:
    """Writes a log as training would; notes which seeds it was asked for."""

    def __init__(self, noise=0.8, fails=()):
        self.noise, self.fails = noise, fails
        self.rounds = []

    def __call__(self, spec, seeds, *, out, report=None, **_):
        seeds, path = list(seeds), locate(out)
        self.rounds.append(seeds)
        if is_vacant(path):
            examples = Examples(np.arange(N_EXAMPLES), np.zeros(N_EXAMPLES, dtype=np.int64))
            about = {"name": "x", "kind": "features", "fingerprint": "f", "class_names": ["a", "b"]}
            splits = {"train": (examples, None), "test": (examples, None)}
            create_log(path, NewLog({}, "identity", about, {}, splits))
        plan_replicates(path, seeds)
        trained = [r.seed for r in Log(path).replicates if r.status == "planned"]
        trained = [seed for seed in trained if seed in seeds and seed not in self.fails]
        for seed in trained:
            self._write(path, seed)
        failed = {seed: "it broke." for seed in seeds if seed in self.fails}
        finished = tuple(sorted(set(seeds) - set(failed)))
        return TrainingResult(path, finished, failed, tuple(trained))

    def _write(self, path, seed):
        ease = np.random.default_rng(9).normal(size=N_EXAMPLES)
        own = ease + self.noise * np.random.default_rng(seed).normal(size=N_EXAMPLES)
        epochs = [float(e + 1) for e in range(N_EPOCHS)]
        with ReplicateWriter(path, seed, epochs, {}) as writer:
            for e in range(N_EPOCHS):
                wrong = (own + e - 1 < 0).astype("u1")
                writer.write(EpochPredictions(seed, e, epochs[e], dict.fromkeys(SPLITS, wrong)))
            writer.finish()


SPLITS = ("train", "test")


@pytest.fixture
def trainer(monkeypatch):
    """Give a stand-in for training, in the place of the real one."""
    stand_in = Trainer()
    monkeypatch.setattr(until, "train_collection", stand_in)
    return stand_in


def go(path, reliability=0.9, seeds=range(5), **options):
    told = []
    options = {"needed": replicates_needed, "workers": 1, "report": told.append, **options}
    return train_until(None, reliability, seeds, out=path, **options), told


def test_replicates_are_added_until_the_lower_end_is_there(trainer, tmp_path):
    result, told = go(tmp_path / "x.zarr", 0.93)
    found = lo.reliability(open_log(tmp_path / "x.zarr")["test"])
    assert result.reached
    assert result.rounds == len(trainer.rounds) > 1
    assert found.ci[0] >= 0.93
    assert result.needed.reliability_ci == found.ci
    assert result.training.finished == tuple(range(found.n_replicates))
    assert result.training.trained == result.training.finished
    fewer = open_log(tmp_path / "x.zarr")["test"].isel(replicate=slice(len(trainer.rounds[-2])))
    assert lo.reliability(fewer).ci[0] < 0.93
    assert len(told) == result.rounds
    assert told[0].startswith("round 1: 5 replicates, reliability of the order on test 0.")
    assert f"adding {len(trainer.rounds[1]) - 5}" in told[0]
    assert "adding" not in told[-1]


def test_seeds_go_on_upwards_and_a_round_at_most_doubles(trainer, tmp_path):
    trainer.noise = 1.0
    go(tmp_path / "x.zarr", 0.94, seeds=[3, 10, 11, 12, 13], most_replicates=200)
    assert trainer.rounds[0] == [3, 10, 11, 12, 13]
    assert trainer.rounds[1] == [3, *range(10, 19)]
    for before, after in zip(trainer.rounds, trainer.rounds[1:], strict=False):
        assert after[: len(before)] == before
        assert len(after) <= 2 * len(before)


def test_fewer_than_five_seeds_are_filled_up(trainer, tmp_path):
    result, _ = go(tmp_path / "x.zarr", 0.5, seeds=[7])
    assert trainer.rounds == [[7, 8, 9, 10, 11]]
    assert result.reached


def test_without_seeds_a_log_that_is_reliable_enough_stays_as_it_is(trainer, tmp_path):
    result, _ = go(tmp_path / "x.zarr", 0.5, seeds=None, most_replicates=5)
    assert result.reached
    assert trainer.rounds == [list(range(5))]
    go(tmp_path / "x.zarr", 0.5, seeds=[11, 12])
    there = [*range(5), 11, 12]
    go(tmp_path / "x.zarr", 0.5, seeds=None)
    assert trainer.rounds[1:] == [there, there]
    go(tmp_path / "x.zarr", 0.5, seeds=None, most_replicates=6)
    assert trainer.rounds[-1] == there


def test_it_goes_on_from_what_the_log_holds(trainer, tmp_path):
    with pytest.warns(UserWarning, match="was not reached"):
        go(tmp_path / "x.zarr", 0.93, most_replicates=8)
    n_before = len(trainer.rounds[-1])
    result, _ = go(tmp_path / "x.zarr", 0.93)
    assert result.reached
    assert result.training.trained == tuple(range(n_before, len(result.training.finished)))
    again, told = go(tmp_path / "x.zarr", 0.93)
    assert (again.rounds, again.training.trained) == (1, ())
    assert again.training.finished == result.training.finished
    assert len(told) == 1


def test_it_ends_at_the_most_that_is_allowed_and_says_so(trainer, tmp_path):
    trainer.noise = 3.0
    with pytest.warns(UserWarning, match=r"0\.99 was not reached: it is 0\.\d+ \(95 %") as caught:
        result, _ = go(tmp_path / "x.zarr", 0.99, most_replicates=12)
    assert len(trainer.rounds[-1]) == 12
    assert not result.reached
    assert "with 12 finished replicates in" in str(caught[0].message)
    assert result.reason == (
        "No more than 12 replicates are allowed, and the log has 12. Allow more to go on."
    )


def test_what_the_log_holds_beyond_the_cap_stays_and_is_measured(trainer, tmp_path):
    trainer(None, range(9), out=tmp_path / "x.zarr")
    with pytest.warns(UserWarning, match="not reached"):
        result, _ = go(tmp_path / "x.zarr", 0.999, most_replicates=6)
    assert result.needed.n_replicates == 9
    assert "No more than 6 replicates are allowed, and the log has 9." in result.reason


@pytest.mark.parametrize(
    ("seeds", "most", "n_after"),
    [(range(20, 28), 10, 17), ([20, 21], 10, 11), (range(8, 13), 12, 13), ([20], 9, 10)],
)
def test_replicates_in_the_log_count_towards_the_most(trainer, tmp_path, seeds, most, n_after):
    trainer(None, range(9), out=tmp_path / "x.zarr")
    with pytest.raises(LearnOrderError, match=f"has 9 replicates.* would be {n_after}; at most"):
        go(tmp_path / "x.zarr", 0.999, seeds=seeds, most_replicates=most)
    assert len(trainer.rounds) == 1
    assert [r.seed for r in Log(tmp_path / "x.zarr").replicates] == list(range(9))


def test_the_most_that_is_allowed_is_reached_but_not_passed_with_seeds_in_the_log(
    trainer, tmp_path
):
    trainer.noise = 3.0
    trainer(None, [*range(7), 30], out=tmp_path / "x.zarr")
    with pytest.warns(UserWarning, match="not reached"):
        go(tmp_path / "x.zarr", 0.999, seeds=[30, 31, 32], most_replicates=11)
    assert [r.seed for r in Log(tmp_path / "x.zarr").replicates] == [*range(7), 30, 31, 32, 33]


def test_failed_replicates_of_the_log_count_too(trainer, tmp_path):
    trainer.fails = {1, 2}
    with pytest.warns(UserWarning, match="not reached"):
        result, _ = go(tmp_path / "x.zarr", 0.999, most_replicates=9)
    assert result.needed.n_replicates == 7
    assert len(trainer.rounds[-1]) == 9


def test_a_round_fills_the_groups_in_which_a_log_is_trained(trainer, tmp_path, monkeypatch):
    monkeypatch.setattr(until, "kept_execution", lambda path: Execution("grouped", width=4))
    go(tmp_path / "x.zarr", 0.93, workers=2)
    sizes = [len(seeds) for seeds in trainer.rounds]
    assert sizes[:2] == [5, 10]
    assert all(after - before == min(8, before) for before, after in pairwise(sizes))


def test_identical_replicates_end_it_with_the_reason(trainer, tmp_path):
    trainer.noise = 0.0
    with pytest.warns(UserWarning, match="no interval to go by: all replicates, or all but one"):
        result, _ = go(tmp_path / "x.zarr", 0.9)
    assert (result.rounds, result.reached) == (1, False)


def test_failed_replicates_are_made_up_for_but_not_for_ever(trainer, tmp_path):
    trainer.fails = {1, 2}
    result, _ = go(tmp_path / "x.zarr", 0.5)
    assert result.reached
    assert set(result.training.failed) == {1, 2}
    assert result.needed.n_replicates >= 5
    trainer.fails = set(range(3, 1000))
    with pytest.warns(UserWarning, match="No replicate of the last round was finished"):
        result, _ = go(tmp_path / "y.zarr", 0.5)
    assert len(trainer.rounds[-1]) < 12


def test_if_no_replicate_is_finished_that_is_the_error(trainer, tmp_path):
    trainer.fails = set(range(100))
    with pytest.raises(LearnOrderError, match=r"5 of 5 replicates failed.*it broke"):
        go(tmp_path / "x.zarr")


@pytest.mark.parametrize(
    ("found", "at_once", "room", "size"),
    [
        (Found(10, more_for_low=3), 1, 90, 3),
        (Found(10, more_for_low=3), 4, 90, 4),
        (Found(10, more_for_low=300), 4, 90, 10),
        (Found(10, more_for_low=300), 64, 90, 10),
        (Found(10, more_for_low=3), 4, 2, 2),
        (Found(10, more_for_low=3), 4, -5, 0),
        (Found(10, more_for_low=None), 4, 90, 10),
        (Found(10, reliability_ci=(0.96, 0.99)), 4, 90, 0),
        (Found(4, reliability_ci=(0.96, 0.99)), 1, 90, 1),
        (Found(2, reliability_ci=None), 1, 90, 3),
        (Found(10, reliability_ci=None), 1, 90, 0),
    ],
    ids=str,
)
def test_size_of_a_round(found, at_once, room, size):
    assert round_size(found, 0.95, at_once, room) == size


@pytest.mark.parametrize(
    ("low", "reliability", "shown"),
    [
        (0.9700, 0.99, "0.990 (95 % interval 0.970 to 0.998)"),
        (0.9896, 0.99, "0.9901 (95 % interval 0.9896 to 0.9981)"),
        (0.98997, 0.99, "0.99009 (95 % interval 0.98997 to 0.99808)"),
        (0.9899999, 0.99, "0.990090 (95 % interval 0.990000 to 0.998080)"),
        (0.9904, 0.99, "0.990 (95 % interval 0.990 to 0.998)"),
    ],
)
def test_a_lower_end_that_is_too_low_does_not_look_high_enough(low, reliability, shown):
    found = Found(9, reliability=0.99009, reliability_ci=(low, 0.99808))
    line = until._round_line(2, "test", found, reliability, 0)
    assert line == f"round 2: 9 replicates, reliability of the order on test {shown}"


@pytest.mark.parametrize("reached", [True, False])
@pytest.mark.parametrize("failed", [{}, {3: "it broke."}])
def test_one_line_says_all_that_is_not_as_it_was_asked_for(reached, failed):
    training = TrainingResult(locate("x.zarr"), tuple(range(8)), failed, (7,))
    line = problem_line(UntilResult(training, Found(8), reached, 2, "That is all."), 0.75)
    said = [
        "1 of 9 replicates failed; the first is seed 3: it broke.",
        "a reliability of 0.75 was not reached: it is 0.800",
        "The reliability of 0.75 was reached without",
    ]
    if reached and not failed:
        assert line is None
        return
    assert [text in line for text in said] == [bool(failed), not reached, reached]
    assert line.count("train: ") == 1
    assert "\n" not in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reliability": 1}, "the reliability to reach is 1"),
        ({"reliability": float("nan")}, "the reliability to reach is nan"),
        ({"most_replicates": 4}, "at most 4 replicates are allowed, and 5 are the first round"),
        ({"seeds": range(20), "most_replicates": 10}, "at most 10 replicates are allowed, and 20"),
        ({"seeds": [1, 1]}, "seed 1 is given more than once"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    trainer, tmp_path, options, message
):
    with pytest.raises(LearnOrderError, match=message):
        go(tmp_path / "x.zarr", **options)
    assert trainer.rounds == []
    assert list(tmp_path.iterdir()) == []


def test_there_are_no_seeds_above_the_largest():
    with pytest.raises(LearnOrderError, match="there are no 2 seeds above"):
        with_more_seeds([2**63 - 2], 2)
    assert with_more_seeds([2**63 - 2], 1)[-1] == 2**63 - 1


def test_another_folder_is_left_alone(trainer, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "text").write_text("kept")
    with pytest.raises(LearnOrderError, match="is no log"):
        go(tmp_path / "mine")
    assert trainer.rounds == []


@pytest.mark.slow
def test_rounds_write_what_one_call_would_have_written(make_spec, digits, tmp_path, networks):
    """A replicate does not depend on the round in which it was trained."""
    spec = make_spec(architecture="linear", epochs=2, augmentation={})
    options = {"dataset": digits, "workers": 2}
    with pytest.warns(UserWarning, match="not reached"):
        train_until(
            spec, 0.999, out=tmp_path / "rounds", needed=replicates_needed, most_replicates=7,
            **options,
        )  # fmt: skip
    train_collection(spec, range(7), out=tmp_path / "once", **options)
    for split in ("train", "test"):
        rounds, once = (open_log(tmp_path / name)[split] for name in ("rounds", "once"))
        np.testing.assert_array_equal(rounds["replicate"], range(7))
        np.testing.assert_array_equal(rounds["prediction"], once["prediction"])
