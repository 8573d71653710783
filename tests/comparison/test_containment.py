"""Containment and late gains: known answers, brute force, intervals, degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from learnorder.comparison import gather
from learnorder.comparison.compare import compare
from learnorder.comparison.containment import find_containment
from learnorder.comparison.late_gains import find_late_gains
from learnorder.log.labelled import from_arrays
from learnorder.measures.split import read_split

N_CLASSES = 3


def log_of(right, label, epochs=None):
    """Log of what is right ``(replicate, epoch, example)``."""
    wrong = (label + 1) % N_CLASSES
    names = [str(k) for k in range(N_CLASSES)]
    return from_arrays(np.where(right, label, wrong), label, epochs=epochs, class_names=names)


def by_chance(rng, label, n_replicates, rising):
    """Right independently, with a chance that depends on class, epoch and replicate only."""
    chance = np.array([0.3, 0.5, 0.8])[label] * rising[:, np.newaxis]
    skill = rng.uniform(0.8, 1, (n_replicates, 1, 1))
    return rng.random((n_replicates, len(rising), len(label))) < skill * chance


def by_threshold(rng, difficulty, n_replicates, progress, noise=0.5):
    """Right once progress passes a difficulty that is shared, up to noise of each network."""
    own = difficulty + noise * rng.normal(size=(n_replicates, 1, len(difficulty)))
    return np.asarray(progress)[:, np.newaxis] > own


@pytest.fixture(scope="module")
def logs():
    rng = np.random.default_rng(11)
    label = rng.integers(0, N_CLASSES, 400)
    difficulty = rng.normal(size=400) + 0.5 * label
    return {
        "strong": log_of(by_threshold(rng, difficulty, 5, np.linspace(-1, 2, 8)), label),
        "weak": log_of(by_threshold(rng, difficulty, 4, np.linspace(-1.5, 0.8, 8), 0.8), label),
    }


@pytest.fixture(scope="module")
def pair(logs):
    return compare(logs).pairs[0]


def right_at(log, points):
    """``(replicate, example)`` where each replicate is at its own epoch."""
    right = (log["prediction"] == log["label"]).values
    return np.array([r[e] for r, e in zip(right, points, strict=True)])


def brute_point(row, level):
    """Nearest epoch up to the first that reaches the level."""
    first = next(e for e, accuracy in enumerate(row) if accuracy >= level)
    return min(range(first + 1), key=lambda e: abs(row[e] - level))


def share_of(a, b):
    return np.array([[(x & y).sum() / x.sum() for y in b] for x in a])


def null_of(a, b, label):
    found = []
    for x in a:
        for y in b:
            expected = sum(x[label == k].sum() * y[label == k].mean() for k in range(N_CLASSES))
            found.append(expected / x.sum())
    return np.mean(found)


def check_against_brute_force(found, a, b, label):
    share = share_of(a, b)
    assert found.containment == pytest.approx(share.mean(), rel=1e-12)
    assert found.null == pytest.approx(null_of(a, b, label), rel=1e-12)
    for value, side in ((found.upper_weaker, a), (found.upper_stronger, b)):
        off = share_of(side, side)[~np.eye(len(side), dtype=bool)]
        assert value == pytest.approx(off.mean(), rel=1e-12)
    assert found.accuracy_weaker == pytest.approx(a.mean())
    assert found.accuracy_stronger == pytest.approx(b.mean())


def test_containment_is_that_of_all_pairs_of_networks(logs, pair):
    found, label = pair.containment, logs["weak"]["label"].values
    assert (found.weaker, found.stronger) == ("weak", "strong")
    at_end = [right_at(logs[k], [-1] * logs[k].sizes["replicate"]) for k in ("weak", "strong")]
    check_against_brute_force(found, *at_end, label)
    assert len(found.along) == 10
    for at in found.along:
        sides = []
        for name in ("weak", "strong"):
            accuracy = (logs[name]["prediction"] == logs[name]["label"]).mean("example").values
            sides.append(right_at(logs[name], [brute_point(row, at.level) for row in accuracy]))
        check_against_brute_force(at, *sides, label)


def recomputed_interval(a, b, statistic):
    """A value and how far its interval reaches to both sides, by leaving out each part in turn.

    What replicates show by what belongs to a replicate and an example together, both left out, is
    taken off their part.
    """
    variances, errors = [], []
    n_examples = a.shape[1]
    each = [(np.delete(a, x, axis=1), np.delete(b, x, axis=1)) for x in range(n_examples)]
    for side in (0, 1):
        size = len((a, b)[side])
        without, cells = [], []
        for r in range(size):
            whole = statistic(*_without_replicate((a, b), side, r))
            without.append(whole)
            cells.append([statistic(*_without_replicate(x, side, r)) - whole for x in each])
        seen = (size - 1) * np.var(without)
        by_cells = (size - 1) * np.var(cells, axis=0).sum() * (1 - 1 / n_examples) ** 2
        sure = stats.chi2.cdf((size - 1) * seen / by_cells, size - 1)
        variances.append(max(seen - by_cells, 0))
        errors.append((2 / (size - 1) + 1 / size) * (sure**2 * seen) ** 2)
    influence = np.array([statistic(*x) for x in each])
    variances.append((n_examples - 1) * np.var(influence))
    errors.append(2 * variances[-1] ** 2 / (n_examples - 1))
    fewest = min(len(a), len(b))
    df = max(2 * sum(variances) ** 2 / sum(errors), 2 / (2 / (fewest - 1) + 1 / fewest))
    return statistic(a, b), stats.t.ppf(0.975, df) * np.sqrt(sum(variances))


def _without_replicate(sides, which, r):
    return [np.delete(x, r, axis=0) if i == which else x for i, x in enumerate(sides)]


def test_the_interval_of_containment_is_that_of_recomputing_without_each_part(logs, pair):
    a, b = (right_at(logs[k], [-1] * logs[k].sizes["replicate"]) for k in ("weak", "strong"))
    value, half = recomputed_interval(a, b, lambda a, b: share_of(a, b).mean())
    half /= value * (1 - value)
    centre = np.log(value / (1 - value))
    expected = 1 / (1 + np.exp(-np.array([centre - half, centre + half])))
    interval = pair.containment.containment_ci
    np.testing.assert_allclose(interval, expected, atol=0.02 * np.ptp(expected))
    assert interval[0] < pair.containment.containment < interval[1]


def learned_of(a, b):
    """What the stronger's, and the network left out, have right of what the others miss."""
    n_missed = by_b = by_own = 0
    for r in range(len(a)):
        missed = ~np.delete(a, r, axis=0).any(axis=0)
        n_missed += missed.sum()
        by_b += b[:, missed].sum() / len(b)
        by_own += a[r, missed].sum()
    return np.array([by_b, by_own]) / n_missed


def test_late_gains_are_those_of_leaving_out_each_network(logs, pair):
    found = pair.late_gains
    a, b = (right_at(logs[k], [-1] * logs[k].sizes["replicate"]) for k in ("weak", "strong"))
    assert (found.weaker, found.stronger) == ("weak", "strong")
    assert found.accuracy_gain == pytest.approx(b.mean() - a.mean())
    assert found.n_missed == (~a.any(axis=0)).sum()
    learned, reference = learned_of(a, b)
    assert found.learned == pytest.approx(learned, rel=1e-12)
    assert found.learned_reference == pytest.approx(reference, rel=1e-12)
    assert found.learned_gain == pytest.approx(learned - reference, rel=1e-12)
    for interval, statistic in (
        (found.accuracy_gain_ci, lambda a, b: b.mean() - a.mean()),
        (found.learned_gain_ci, lambda a, b: -np.diff(learned_of(a, b))[0]),
    ):
        value, half = recomputed_interval(a, b, statistic)
        expected = [value - half, value + half]
        np.testing.assert_allclose(interval, expected, atol=0.03 * np.ptp(expected))


def test_containment_of_what_is_chance_within_class_is_its_null():
    rng = np.random.default_rng(12)
    label = rng.integers(0, N_CLASSES, 500)
    excess = []
    for _ in range(12):
        logs = {
            name: log_of(by_chance(rng, label, 4, np.array([0.4, 0.7, top])), label)
            for name, top in (("low", 0.8), ("high", 1.0))
        }
        found = compare(logs).pairs[0].containment
        points = [*found.along, found]
        excess.append([p.containment - p.null for p in points])
        assert found.upper_weaker - found.null < 0.1
    excess = np.array(excess)
    assert abs(excess.mean(axis=0)).max() < 4 * (excess.std(axis=0, ddof=1) / np.sqrt(12)).max()
    assert abs(excess.mean()) < 0.01


def test_containment_of_one_order_is_the_upper_reference():
    rng = np.random.default_rng(13)
    label = rng.integers(0, N_CLASSES, 800)
    difficulty = rng.normal(size=800)
    logs = {
        name: log_of(by_threshold(rng, difficulty, 6, np.linspace(start, stop, 40)), label)
        for name, start, stop in (("slow", -1.5, 1), ("fast", -1.2, 2))
    }
    found = compare(logs).pairs[0].containment
    assert found.weaker == "slow"
    for at in found.along:
        mean = (at.upper_weaker + at.upper_stronger) / 2
        assert at.containment == pytest.approx(mean, abs=0.03)
        assert at.containment > at.null + 0.05
        assert at.accuracy_stronger == pytest.approx(at.accuracy_weaker, abs=0.02)
    # At the end the faster knows more than the slower, so nearly all that the slower knows.
    assert found.containment > found.upper_weaker


def test_nested_knowledge_is_contained_wholly():
    difficulty = np.arange(60.0)
    label = np.arange(60) % N_CLASSES
    rng = np.random.default_rng(14)
    right = [by_threshold(rng, difficulty, 3, steps, 0) for steps in ([20, 30], [20, 50])]
    found = compare({k: log_of(r, label) for k, r in zip("ab", right, strict=True)}).pairs[0]
    assert (found.containment.weaker, found.containment.containment) == ("a", 1)
    assert "no spread to estimate" in found.containment.undefined["containment_ci"]
    assert found.late_gains.learned == pytest.approx(20 / 30)
    assert found.late_gains.learned_reference == 0


@pytest.mark.parametrize("n_replicates", [3, 6])
def test_intervals_hold_the_truth_where_collections_are_alike(n_replicates):
    """Two collections of one kind: nothing is learned by one that others of the other miss."""
    rng = np.random.default_rng(15)
    label = rng.integers(0, N_CLASSES, 300)
    repeats, inside, gains = 80, np.zeros(3), []
    # What one network has right of what another has, of endlessly many examples.
    many = by_threshold(rng, rng.normal(size=200_000), 2, [0.5], 0.7)[:, 0]
    known = (many[0] & many[1]).sum() / many[0].sum()
    for _ in range(repeats):
        difficulty = rng.normal(size=300)
        logs = {
            k: log_of(by_threshold(rng, difficulty, n_replicates, [-1, 0.5], 0.7), label)
            for k in "ab"
        }
        kept = gather.gather({k: read_split(log, k) for k, log in logs.items()}, "epoch")
        contained = find_containment(kept, label, {("a", "b"): None})["a", "b"]
        late = find_late_gains(("a", kept.of["a"]), ("b", kept.of["b"]))
        gains.append(late.learned_gain)
        cis = (late.accuracy_gain_ci, late.learned_gain_ci, contained.containment_ci)
        inside += [
            low <= truth <= high for (low, high), truth in zip(cis, (0, 0, known), strict=True)
        ]
    assert (inside / repeats >= 0.9).all(), inside / repeats
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(repeats)


def test_replicates_in_both_collections_leave_the_intervals_undefined(logs):
    strong = logs["strong"]
    pair = compare({"all": strong, "some": strong.isel(replicate=[0, 1, 2])}).pairs[0]
    for part, names in (
        (pair.containment, {"containment", "containment_ci"}),
        (
            pair.late_gains,
            {"accuracy_gain_ci", "learned", "learned_reference", "learned_gain", "learned_gain_ci"},
        ),
    ):
        assert set(part.undefined) == names
        assert all("share replicates" in part.undefined[name] for name in names)


def test_single_replicates_have_no_reference_and_no_interval(logs):
    pair = compare({"weak": logs["weak"].isel(replicate=[0]), "strong": logs["strong"]}).pairs[0]
    contained, gains = pair.containment, pair.late_gains
    assert contained.containment is not None
    assert "'weak' has 1 replicate: no pair within it" in contained.undefined["upper_weaker"]
    assert contained.undefined["containment_ci"].startswith("an interval needs 3 replicates")
    assert "'weak' has 1 replicate" in gains.undefined["learned"]
    assert gains.accuracy_gain_ci is None


def test_nothing_right_and_everything_right_are_undefined_with_the_reason():
    label = np.arange(30) % N_CLASSES
    none, every = np.zeros((3, 2, 30), dtype=bool), np.ones((3, 2, 30), dtype=bool)
    nothing = compare({"none": log_of(none, label), "all": log_of(every, label)}).pairs[0]
    assert "'none' has no example right" in nothing.containment.undefined["containment"]
    assert nothing.containment.upper_stronger == 1
    assert (nothing.late_gains.learned, nothing.late_gains.n_missed) == (1, 30)
    assert "no spread to estimate" in nothing.late_gains.undefined["learned_gain_ci"]
    alike = compare({"one": log_of(every, label), "two": log_of(every, label)}).pairs[0]
    assert alike.late_gains.weaker == "one"
    assert "the others miss no example together" in alike.late_gains.undefined["learned"]
    assert alike.containment.along is None


def test_values_do_not_depend_on_blocks_nor_on_the_order_of_examples(logs, pair, monkeypatch):
    monkeypatch.setattr(gather, "BLOCK", 70)
    shuffle = np.random.default_rng(16).permutation(400)
    again = compare({name: log.isel(example=shuffle) for name, log in logs.items()}).pairs[0]
    for found, expected in (
        (again.containment, pair.containment),
        (again.containment.along[4], pair.containment.along[4]),
        (again.late_gains, pair.late_gains),
    ):
        for name, value in vars(expected).items():
            if isinstance(value, float | tuple) and name != "along":
                assert getattr(found, name) == pytest.approx(value, rel=1e-9)


def test_order_of_logs_does_not_change_who_is_weaker(logs, pair):
    swapped = compare(dict(reversed(logs.items()))).pairs[0]
    assert swapped.containment == pair.containment
    assert swapped.late_gains == pair.late_gains
