"""When the learning rate changes, and when predictions are recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnorder.training.grid import recording_grid
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


@given(
    st.integers(1, 300),
    st.integers(1, 64),
    st.integers(1, 4),
    st.integers(1, 5),
    st.sampled_from(["none", "log", [0.01, 0.3, 0.9]]),
    st.booleans(),
)
def test_longer_training_has_the_shorter_grid_first(n, batch, every, times, early, initial):
    def grid(epochs):
        tables = {
            "training": {"epochs": epochs, "batch_size": batch},
            "recording": {"every": every, "early": early, "initial": initial},
        }
        return recording_grid(spec(**tables), n)

    short, long = grid(every * times), grid(every * (times + 2))
    assert long[: len(short)] == short
    assert short[-1].epoch == every * times
    assert sorted({p.step for p in long}) == [p.step for p in long]


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
