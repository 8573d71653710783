"""When the learning rate changes, and when predictions are recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnorder.training.grid import recording_grid
from learnorder.training.log_spacing import log_spaced
from learnorder.training.optimization import learning_rate
from learnorder.training.spec import TrainingSpec


def spec(**tables):
    return TrainingSpec.from_tables(
        {"dataset": {"name": "digits"}, "architecture": {"name": "mlp"}, **tables}
    )


def test_every_epoch_without_epoch_zero_is_the_default():
    grid = recording_grid(spec(training={"epochs": 3, "batch_size": 10}), n_train=25)
    assert [(p.index, p.step, p.epoch) for p in grid] == [(0, 3, 1.0), (1, 6, 2.0), (2, 9, 3.0)]


def test_early_points_lie_inside_the_first_epoch():
    early = spec(
        training={"epochs": 2, "batch_size": 10}, recording={"early": "log", "initial": True}
    )
    assert [p.step for p in recording_grid(early, 100)] == [0, 1, 2, 4, 8, 10, 20]
    half = spec(training={"epochs": 2, "batch_size": 10}, recording={"early": [0.5], "every": 2})
    assert [p.epoch for p in recording_grid(half, 100)] == [0.5, 2.0]


def steps(n, batch, epochs=2, **recording):
    tables = {"training": {"epochs": epochs, "batch_size": batch}, "recording": recording}
    return [p.step for p in recording_grid(spec(**tables), n)]


def test_log_spaced_epochs_are_two_to_a_doubling():
    assert steps(10, 10, epochs=48, every="log") == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    assert steps(10, 10, epochs=1, every="log") == [1]
    assert steps(25, 10, epochs=3, every="log", early="log", initial=True) == [0, 1, 2, 3, 6, 9]


@pytest.mark.parametrize("early", ["log", [0.5], [0.01, 0.99]])
def test_epoch_of_one_step_has_no_points_inside(early):
    assert steps(100, 100, early=early) == steps(7, 7, early=early) == [1, 2]
    assert steps(100, 100, early=early, initial=True) == [0, 1, 2]


@pytest.mark.parametrize(
    ("n", "batch", "early", "inside"),
    [
        (20, 10, "log", [1]),
        (80, 10, "log", [1, 2, 4]),
        (81, 10, "log", [1, 2, 4, 8]),
        (20, 10, [0.001, 0.4, 0.999], [1]),
        (100, 10, [0.1, 0.11, 0.95, 0.999], [1, 9]),
        (101, 10, [0.5, 0.95, 0.999], [6, 10]),
        (100, 1, [0.999, 0.005, 0.5], [1, 50, 99]),
        (100, 10, [], []),
    ],
)
def test_early_points_become_steps_inside_the_first_epoch(n, batch, early, inside):
    per_epoch = -(-n // batch)
    assert steps(n, batch, early=early) == [*inside, per_epoch, 2 * per_epoch]
    # the end of the first epoch itself is recorded only where `every` says so
    assert steps(n, batch, early=early, every=2) == [*inside, 2 * per_epoch]


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from([1, 2, 3, 4, "log"]),
    st.integers(1, 5),
    st.sampled_from(["none", "log", [0.01, 0.3, 0.9], [0.999]]),
    st.booleans(),
)
def test_longer_training_has_the_shorter_grid_first(n, batch, every, times, early, initial):
    def grid(epochs):
        tables = {
            "training": {"epochs": epochs, "batch_size": batch},
            "recording": {"every": every, "early": early, "initial": initial},
        }
        return recording_grid(spec(**tables), n)

    first, later = log_spaced(99)[times], log_spaced(99)[times + 2]
    if every != "log":
        first, later = every * times, every * (times + 2)
    short, long = grid(first), grid(later)
    assert long[: len(short)] == short
    assert short[-1].epoch == first
    assert sorted({p.step for p in long}) == [p.step for p in long]
    assert [p.index for p in long] == list(range(len(long)))
    whole = [p.epoch for p in long if p.epoch >= 1]
    assert all(epoch.is_integer() for epoch in whole)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ({"name": "constant"}, [1, 1, 1, 1]),
        ({"name": "step", "milestones": [1, 3]}, [1, 0.1, 0.1, 0.01]),
        ({"name": "exponential", "factor": 2.0, "every": 2}, [1, 1, 0.5, 0.5]),
        ({"name": "cosine"}, [1, 0.8535533905932737, 0.5, 0.14644660940672627]),
    ],
)
def test_schedules(schedule, rates):
    chosen = spec(schedule=schedule, optimizer={"learning_rate": 1.0}, training={"epochs": 4})
    assert [learning_rate(chosen, e) for e in range(4)] == pytest.approx(rates)
