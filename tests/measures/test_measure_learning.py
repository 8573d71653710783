"""When examples are learned, kept and forgotten, replicate by replicate."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import learning
from learnorder.measures.catalogue import find_measure
from learnorder.measures.split import NEVER
from learnorder.measures.values import measure_values, value_rows

ALL = ("first_learned", "stably_learned", "forgetting_events", "never_learned")
EPOCHS = [0, 0.5, 2, 3, 7]


def of_right(right, epochs=None):
    """A split in which replicates are right as told, ``(replicate, epoch, example)``."""
    right = np.asarray(right)
    return lo.from_arrays(right.astype(int), np.ones(right.shape[2], dtype=int), epochs=epochs)


def told(history, epochs):
    """First, stable, events of one history, as one would tell it epoch by epoch."""
    first, stable, events, before = np.inf, np.inf, 0, False
    for epoch, right in zip(epochs, history, strict=True):
        if epoch == 0:
            continue
        if right and first == np.inf:
            first = epoch
        if right and not before:
            stable = epoch
        if before and not right:
            stable = np.inf
            events += 1
        before = right
    if sum(epoch > 0 for epoch in epochs) == 1:
        return first, stable, None
    return first, stable, events if first < np.inf else np.inf


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(1, 12)),
    share=st.floats(0, 1),
    from_0=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_history_is_told_epoch_by_epoch(shape, share, from_0, seed):
    rng = np.random.default_rng(seed)
    right = rng.random(shape) < share
    epochs = np.cumsum(rng.choice([0.25, 1, 3], shape[1]))
    epochs = epochs - epochs[0] if from_0 else epochs
    log = of_right(right, epochs.tolist())
    first, stable, events, never = (getattr(lo, name)(log).values for name in ALL)
    for r, x in np.ndindex(shape[0], shape[2]):
        counted = None if np.isnan(events[r, x]) else events[r, x]
        assert (first[r, x], stable[r, x], counted) == told(right[r, :, x], epochs)
    # The share of replicates that never learn is that of infinite first epochs.
    np.testing.assert_array_equal(never, np.isinf(first).mean(axis=0))
    learned = np.isfinite(first)
    assert (stable >= first).all()
    np.testing.assert_array_equal(np.isfinite(stable), right[:, -1])
    if (epochs > 0).sum() == 1:
        assert np.isnan(events).all()
        return
    np.testing.assert_array_equal(learned, np.isfinite(events))
    # Unforgettable, that is learned and never forgotten: first learned is stably learned.
    np.testing.assert_array_equal(events[learned] == 0, first[learned] == stable[learned])
    assert events[learned].max(initial=0) <= (epochs > 0).sum() // 2


def test_all_histories_of_six_epochs_are_those_of_the_table():
    every = np.array([[x >> e & 1 for x in range(64)] for e in range(6)], dtype=bool)
    log = of_right(every[np.newaxis])
    for i, name in enumerate(ALL[:3]):
        expected = [told(every[:, x], range(1, 7))[i] for x in range(64)]
        assert getattr(lo, name)(log).values[0].tolist() == expected


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_never_forgotten_is_accessible_from_the_epoch_it_is_learned(random_log, seed):
    log = random_log((1, 5, 30), 3, seed, 0.5)
    position = {epoch: i for i, epoch in enumerate(log["epoch"].values)} | {np.inf: 5}
    first, events = lo.first_learned(log).values[0], lo.forgetting_events(log).values[0]
    kept = events == 0
    since = np.array([1 - position[epoch] / 5 for epoch in first])
    np.testing.assert_allclose(lo.accessibility(log).values[kept], since[kept], atol=1e-15)
    assert (lo.accessibility(log).values[np.isinf(first)] == 0).all()


@pytest.mark.parametrize("n_epochs", [254, 255, 256, 300])
def test_more_epochs_than_a_byte_counts(n_epochs):
    late = np.zeros((1, n_epochs, 4), dtype=bool)
    late[0, -1, 0] = late[0, :, 1] = late[0, ::2, 2] = True
    log = of_right(late)
    swings = float(n_epochs // 2)
    odd = n_epochs % 2 == 1
    assert lo.first_learned(log).values.tolist() == [[n_epochs, 1, 1, np.inf]]
    stable = [n_epochs, 1, n_epochs if odd else np.inf, np.inf]
    assert lo.stably_learned(log).values.tolist() == [stable]
    assert lo.forgetting_events(log).values.tolist() == [[0, 0, swings, np.inf]]
    assert lo.never_learned(log).values.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("name", ALL)
def test_epoch_0_never_counts(name):
    right = np.array([[[1, 0, 1], [0, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 1]]] * 2)
    log = of_right(right, EPOCHS)
    found = getattr(lo, name)(log)
    other = log.copy(deep=True)
    other["prediction"].values[:, 0] = 255  # not even recorded
    assert getattr(lo, name)(other).equals(found)
    assert getattr(lo, name)(log.isel(epoch=slice(1, None))).equals(found)
    changed = log.copy(deep=True)
    changed["prediction"].values[:, 1:] = 1
    assert not getattr(lo, name)(changed).equals(found)


@pytest.mark.parametrize("name", ALL)
def test_without_an_epoch_after_0_and_without_labels_there_is_one_clear_line(name):
    only = of_right(np.ones((2, 1, 3)), [0])
    message = rf"^{name}: no epoch after training began was recorded \(epochs: 0\)\..*Record"
    with pytest.raises(LearnOrderError, match=message):
        getattr(lo, name)(only)
    with pytest.raises(LearnOrderError, match=f"^{name}: the split 'test' has no labels"):
        getattr(lo, name)(lo.from_arrays([[[0, 1]]]))


@pytest.mark.parametrize("right", [0, 1])
@pytest.mark.parametrize("shape", [(1, 2, 1), (1, 3, 2), (4, 2, 3)])
def test_all_wrong_is_never_and_all_right_is_from_the_first_epoch(shape, right):
    log = of_right(np.full(shape, right))
    n_pairs = shape[0] * shape[2]
    for name, value in zip(ALL[:3], (1, 1, 0), strict=True):
        found = getattr(lo, name)(log)
        assert (found.values == (value if right else np.inf)).all()
        assert found.attrs["n_never"] == (0 if right else n_pairs)
        assert (NEVER in found.attrs) == (not right)
    assert (lo.never_learned(log).values == 1 - right).all()


@pytest.mark.parametrize("epochs", [[1], [0, 1]])
def test_with_one_epoch_forgetting_is_undefined_and_the_rest_is_not(epochs):
    log = of_right(np.tile([1, 0], (3, len(epochs), 1)), epochs)
    reason = "forgetting needs 2 epochs; there is 1"
    events = lo.forgetting_events(log)
    assert np.isnan(events.values).all()
    assert events.attrs["undefined"] == {"forgetting_events": reason}
    assert (events.attrs["n_never"], NEVER in events.attrs) == (0, False)
    assert lo.first_learned(log).values.tolist() == [[1, np.inf]] * 3
    assert lo.never_learned(log).values.tolist() == [0, 1]
    values = measure_values(log, ALL[:3])
    assert values["forgetting_events"]["values"] == [[None, None]] * 3
    assert values["forgetting_events"]["undefined"] == {"forgetting_events": reason}
    row = value_rows(values)[0]
    assert (row["forgetting_events"], row["undefined"]) == (None, f"forgetting_events: {reason}")
    two = of_right(np.ones((3, 2, 2)))
    assert "undefined" not in lo.forgetting_events(two).attrs


def test_learned_and_forgotten_for_good_is_learned_and_not_stably():
    log = of_right([[[1, 0], [1, 0], [0, 0]]])
    assert lo.first_learned(log).values[0, 0] == 1
    assert lo.forgetting_events(log).values[0, 0] == 1
    assert lo.stably_learned(log).values[0, 0] == np.inf
    assert lo.stably_learned(log).attrs["n_never"] == 2
    assert lo.first_learned(log).attrs["n_never"] == 1
    assert lo.stably_learned(log).attrs[NEVER].startswith("wrong at the last recorded epoch (2 of")


def test_never_learned_comes_after_all_that_is_and_hides_in_no_mean():
    """Elsewhere it has 0 events, or a large number, or hides in a mean over runs."""
    right = np.zeros((3, 6, 4), dtype=bool)
    right[:, :, 0] = True  # never forgotten
    right[:, ::2, 1] = True  # forgotten most often
    right[0, 5, 2] = True  # learned last, by one of three
    log = of_right(right)
    for name in ALL[:2]:
        ranks = stats.rankdata(np.median(getattr(lo, name)(log).values, axis=0))
        assert ranks[0] < ranks[2] == ranks[3]
    events = lo.forgetting_events(log).values
    assert stats.rankdata(events[1]).tolist() == [1, 2, 3.5, 3.5]
    assert np.isinf(lo.first_learned(log).mean("replicate").values[2:]).all()
    np.testing.assert_allclose(lo.never_learned(log).values, [0, 0, 2 / 3, 1])


def test_low_is_easy_as_the_catalogue_says():
    rng = np.random.default_rng(5)
    difficulty = np.linspace(0, 9, 200)
    right = difficulty + rng.normal(0, 0.7, (5, 8, 200)) < np.arange(1, 9)[:, np.newaxis]
    log = of_right(right)
    assert {find_measure(name).direction for name in ALL} == {"lower is easier"}
    for name in ALL[:2]:
        middle = np.median(getattr(lo, name)(log), axis=0)
        assert stats.spearmanr(middle, difficulty).statistic > 0.9
        assert stats.spearmanr(middle, lo.accessibility(log)).statistic < -0.9
    assert stats.spearmanr(lo.never_learned(log), difficulty).statistic > 0.4
    kept = lo.forgetting_events(log).mean("replicate")
    assert kept[0] < kept[100] < kept[-1] == np.inf


def test_infinite_values_are_null_with_their_reason_in_json_and_in_rows():
    log = of_right([[[1, 0], [1, 0], [0, 0]], [[1, 0], [1, 1], [1, 1]]])
    names = list(ALL[:3])
    values = measure_values(log, names)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["first_learned"]["values"] == [[1.0, None], [1.0, 2.0]]
    assert values["stably_learned"]["values"] == [[None, None], [1.0, 2.0]]
    never = "never right at a recorded epoch > 0 (1 of 4 values)"
    assert values["forgetting_events"]["undefined"] == {"never learned": never}
    rows = value_rows(values)
    lost = "stably_learned: wrong at the last recorded epoch (2 of 4 values)"
    assert [row["undefined"] for row in rows] == [
        lost,
        f"first_learned: {never}; {lost}; forgetting_events: {never}",
        "",
        "",
    ]
    assert [row["first_learned"] for row in rows] == [1.0, None, 1.0, 2.0]
    learned = value_rows(measure_values(log.isel(replicate=[1]), names))
    assert "undefined" not in learned[0]


def test_a_column_in_many_parts_is_followed_through_all_of_them(lazy, random_log, monkeypatch):
    from learnorder.measures import tiles

    log = random_log((4, 7, 90), 5, first_epoch=0.5)
    cut, array = lazy(log, (2, 40))
    whole = {name: getattr(learning, name)(log) for name in ALL}
    for name, value in (("READ_BYTES", 300), ("MOST_READ_BYTES", 10_000), ("PLANE", 17)):
        monkeypatch.setattr(tiles, name, value)
    for name in ALL:
        array.reads.clear()
        np.testing.assert_array_equal(getattr(learning, name)(cut), whole[name])
        epochs = [(read[1].start, read[1].stop) for read in array.reads]
        assert epochs == [(0, 2), (2, 4), (4, 6), (6, 7)] * 3
