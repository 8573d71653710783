"""Clocks: another pace is told from another order, and what is matched is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from learnorder.comparison.clocks import N_LEVELS, match_accuracy, match_progress
from learnorder.comparison.compare import compare
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import _arrays, order
from learnorder.measures.split import read_split

CLOCKS = ("epoch", "accuracy", "progress")
EPOCHS = np.arange(1, 25)


def learned(rng, difficulty, pace, n_replicates=8, label=None, limit=np.inf):
    """Networks that know an example once their progress, up to a limit, passes its difficulty."""
    n = len(difficulty)
    skill = rng.normal(1, 0.1, (n_replicates, 1, 1))
    own = difficulty * np.exp(0.5 * rng.normal(size=(n_replicates, 1, n)))
    right = np.minimum(pace * skill * EPOCHS[:, np.newaxis], limit) > own
    label = np.zeros(n, dtype=int) if label is None else label
    return from_arrays(np.where(right, label, 1 - label), label, epochs=EPOCHS)


@pytest.fixture(scope="module")
def paces():
    """One order at two paces, and another order at the pace of the first."""
    rng = np.random.default_rng(7)
    difficulty = rng.exponential(size=1500)
    return {
        "fast": learned(rng, difficulty, 0.4),
        "slow": learned(rng, difficulty, 0.1),
        "other": learned(rng, np.where(rng.random(1500) < 0.4, rng.permutation(difficulty),
                                       difficulty), 0.4),
    }  # fmt: skip


def test_slower_is_another_order_by_epoch_and_the_same_one_at_matched_accuracy(paces):
    two = {name: paces[name] for name in ("fast", "slow")}
    by = {clock: compare(two, clock).pairs[0] for clock in CLOCKS}
    assert by["epoch"].corrected_ci[1] < 0.97
    low, high = by["accuracy"].corrected_ci
    assert low < 1 < high
    assert 0.99 < by["accuracy"].corrected < 1.01
    assert by["accuracy"].within_class.corrected == pytest.approx(by["accuracy"].corrected)
    assert by["epoch"].corrected < by["progress"].corrected


def test_another_order_is_another_on_every_clock(paces):
    two = {name: paces[name] for name in ("fast", "other")}
    for clock in CLOCKS:
        assert compare(two, clock).pairs[0].corrected_ci[1] < 0.9, clock


def test_progress_matches_collections_that_end_at_other_accuracies():
    """One order at one pace, cut off by a limit of ability: shares of the end are what is alike."""
    rng = np.random.default_rng(8)
    difficulty = rng.exponential(size=1000)
    logs = {
        "able": learned(rng, difficulty, 0.1),
        "less": learned(rng, difficulty, 0.05, limit=0.9),
    }
    found = compare(logs, "progress")
    assert found.levels[-1].level == 1
    assert found.levels[-1].reached == {"able": 1, "less": 1}
    assert found.clock == "progress"
    accuracies = [c.accuracy_mean for c in found.collections]
    assert accuracies[0] > accuracies[1] + 0.1


def brute_point(row, level):
    """Nearest epoch up to the first that reaches the level."""
    first = next(e for e, accuracy in enumerate(row) if accuracy >= level)
    return min(range(first + 1), key=lambda e: abs(row[e] - level))


def test_scores_on_a_clock_are_means_over_the_points_of_each_replicate(paces):
    found = compare(paces, "accuracy")
    accuracy = {k: (v["prediction"] == v["label"]).mean("example").values
                for k, v in paces.items()}  # fmt: skip
    low = max(a[:, 0].max() for a in accuracy.values())
    high = min(a.max(axis=1).min() for a in accuracy.values())
    assert [v.level for v in found.levels] == np.linspace(low, high, N_LEVELS).tolist()
    for name, log in paces.items():
        at = np.array([[brute_point(row, v.level) for v in found.levels] for row in accuracy[name]])
        right = (log["prediction"] == log["label"]).values
        scores = np.array([right[r, at[r]].mean(axis=0) for r in range(len(at))])
        np.testing.assert_allclose(found.accessibility[name], scores.mean(axis=0), rtol=1e-12)
        for i, level in enumerate(found.levels):
            reached = np.take_along_axis(accuracy[name], at, axis=1)[:, i]
            assert level.reached[name] == pytest.approx(reached.mean())
            assert level.epoch[name] == pytest.approx(EPOCHS[at[:, i]].mean())
        for c in found.collections:
            if c.name == name:
                alpha = cronbach(scores)
                assert c.reliability.value == pytest.approx(alpha, rel=1e-9)


def cronbach(scores):
    covariance = np.cov(scores)
    n = len(covariance)
    return n / (n - 1) * (1 - np.trace(covariance) / covariance.sum())


def test_epochs_that_no_level_falls_on_and_their_order_do_not_matter(paces):
    """Later epochs below what was reached before change nothing."""
    found = compare(paces, "accuracy")
    worse = {}
    for name, log in paces.items():
        worst = log.isel(epoch=[0]).assign_coords(epoch=[99.0])
        worse[name] = from_arrays(
            np.concatenate([log["prediction"], worst["prediction"]], axis=1),
            log["label"].values,
            epochs=[*EPOCHS, 99],
        )
    again = compare(worse, "accuracy")
    assert again.levels == found.levels
    for a, b in zip(again.pairs, found.pairs, strict=True):
        assert (a.pearson, a.corrected_ci, a.overlap) == (b.pearson, b.corrected_ci, b.overlap)


def test_logs_on_different_grids_are_compared_on_clocks_other_than_epochs(paces):
    sparse = paces["slow"].isel(epoch=slice(1, None, 2))
    odd = paces["fast"].isel(epoch=slice(0, None, 2))
    with pytest.raises(LearnOrderError, match="share no epoch"):
        compare({"odd": odd, "sparse": sparse})
    found = compare({"odd": odd, "sparse": sparse}, "accuracy")
    assert found.pairs[0].corrected_ci[0] < 1 < found.pairs[0].corrected_ci[1]
    assert found.epochs == ()
    assert [c.epoch for c in found.collections] == [23, 24]
    assert "replicates are matched at 10 accuracies from" in found.notes[0]
    largest = max(level.gap for level in found.levels)
    assert f"differ by {largest:.3f} at most" in found.notes[0]
    for level in found.levels:
        assert level.gap == pytest.approx(abs(level.reached["odd"] - level.reached["sparse"]))


def test_the_same_replicates_are_found_on_the_epochs_that_both_have(paces):
    fast = paces["fast"]
    found = compare({"a": fast, "b": fast.isel(epoch=slice(3, 20, 2))}, "progress")
    assert "seeds 0, 1, 2, 3, 4, ..." in found.notes[-1]
    assert found.pairs[0].corrected is None
    again = {"a": fast.isel(epoch=slice(0, None, 2)), "b": fast.isel(epoch=slice(1, None, 2))}
    assert len(compare(again, "progress").notes) == 1


def accuracies(**rows):
    return {name: np.array(values, dtype=float) for name, values in rows.items()}


def test_levels_are_those_all_replicates_pass():
    points = match_accuracy(accuracies(a=[[0.2, 0.9], [0.3, 0.8]], b=[[0.1, 0.5], [0.25, 0.7]]))
    assert (points.levels[0], points.levels[-1]) == (0.3, 0.5)
    np.testing.assert_array_equal(points.at["a"], [[0] * 10] * 2)
    np.testing.assert_array_equal(points.at["b"], [[0] + [1] * 9, [0] * 8 + [1] * 2])
    np.testing.assert_array_equal(points.weights("b"), [[1, 9], [8, 2]])
    points = match_progress(accuracies(a=[[0.2, 0.9, 0.8]], b=[[0.3, 0.2, 0.4]]))
    assert (points.levels[0], points.levels[-1]) == (0.3 / 0.4, 1)
    np.testing.assert_array_equal(points.at["b"], [[0] * 5 + [2] * 5])
    np.testing.assert_array_equal(points.at["a"], [[1] * 10])
    # All of them fall back at their end: the highest level is still what they have there.
    points = match_progress(accuracies(a=[[0.2, 0.8, 0.7]], b=[[0.1, 0.6, 0.5]]))
    assert points.levels[-1] == 1
    # After the first that reaches a level, nothing counts, however near.
    points = match_accuracy(accuracies(a=[[0.1, 0.6, 0.4]], b=[[0.3, 0.5, 0.5]]))
    np.testing.assert_array_equal(points.at["a"], [[0] * 3 + [1] * 7])


@pytest.mark.parametrize(
    ("match", "given", "reason"),
    [
        (match_accuracy, {"a": [[0.7, 0.9]], "b": [[0.1, 0.6]]},
         "no range of accuracy that all replicates pass: one of 'a' begins at 0.7, "
         "one of 'b' reaches 0.6 at most"),
        (match_accuracy, {"a": [[0.5]], "b": [[0.4]]}, "one of 'b' reaches 0.4 at most"),
        (match_accuracy, {"a": [[0.5, 0.5]], "b": [[0.5, 0.5]]}, "reaches 0.5 at most"),
        (match_progress, {"a": [[0.5, 0.4]], "b": [[0.1, 0.4]]}, "'a' begins at 1.25"),
        (match_progress, {"a": [[0.5, 0.0]], "b": [[0.1, 0.4]]},
         "a replicate of 'a' has no example right at its end"),
    ],
)  # fmt: skip
def test_no_common_range_has_its_reason(match, given, reason):
    assert reason in match(accuracies(**given))


def test_a_clock_without_levels_leaves_every_order_undefined_and_says_why():
    rng = np.random.default_rng(9)
    label = np.zeros(60, dtype=int)
    logs = {
        name: from_arrays((rng.random((4, 3, 60)) > share).astype(int), label)
        for name, share in (("high", 0.9), ("low", 0.2))
    }
    found = compare(logs, "accuracy")
    reason = found.undefined["levels"]
    assert "no range of accuracy" in reason
    assert (found.levels, found.accessibility, found.n_points) == (None, {}, 0)
    record = found.to_dict()
    json.dumps(record, allow_nan=False)
    assert record["levels"] is None
    (pair,) = record["pairs"]
    for part in (pair, pair["within_class"]):
        assert part["pearson"] is None
        assert set(part["undefined"].values()) == {reason}
        assert set(part["undefined"]) == {k for k, v in part.items() if v is None}
    assert pair["containment"]["along"] is None
    assert pair["containment"]["undefined"]["along"] == reason
    assert pair["containment"]["containment"] is not None
    assert pair["late_gains"]["weaker"] == "low"
    assert record["collections"][0]["undefined"]["reliability"] == reason
    # By epoch, the orders are compared all the same.
    by_epoch = compare(logs)
    assert by_epoch.pairs[0].pearson is not None
    assert by_epoch.levels == ()


def test_what_is_no_clock_and_what_was_never_trained_are_refused():
    log = from_arrays([[[0, 1], [1, 0]]], [0, 1], epochs=[0, 1])
    with pytest.raises(LearnOrderError, match=r"unknown clock 'epochs'.*nearest.*'epoch'"):
        compare({"a": log, "b": log}, "epochs")
    start = log.isel(epoch=[0])
    with pytest.raises(LearnOrderError, match="log 'b': no epoch after training began"):
        compare({"a": log, "b": start}, "accuracy")


def test_epoch_zero_never_counts(paces):
    with_zero = {
        name: from_arrays(
            np.concatenate([log["prediction"][:, -1:], log["prediction"]], axis=1),
            log["label"].values,
            epochs=[0, *EPOCHS],
        )
        for name, log in paces.items()
    }
    for clock in CLOCKS:
        assert compare(with_zero, clock).pairs[0] == compare(paces, clock).pairs[0], clock


def test_scores_by_weights_of_each_replicate_are_weighted_means():
    rng = np.random.default_rng(10)
    log = from_arrays(rng.integers(0, 3, (2, 3, 50)), rng.integers(0, 3, 50))
    weight = np.array([[0.0, 2, 1], [3, 0, 0]])
    for scale, kind in ((1, np.uint8), (0.5, np.float64)):
        table = order.replicate_scores(read_split(log, "test"), scale * weight)
        assert table.dtype == kind
        for r in range(2):
            prediction, label = log["prediction"].values[[r]], log["label"].values
            plain = _arrays.accessibility(prediction, label, weight[r])
            np.testing.assert_allclose(table.array()[[r]], plain, rtol=1e-15)
