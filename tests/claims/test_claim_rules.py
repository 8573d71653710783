"""Rules of the claims on simulated logs with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.claims.simulated import N_EXAMPLES, PROGRESS, simulated_log, unlabelled_log

from learnorder.claims import of_collections
from learnorder.claims.judging import find_evidence, verdict_of
from learnorder.claims.of_conditions import partial_rank_correlation
from learnorder.claims.recipe import Claim, Study, all_claims
from learnorder.claims.verdicts import Verdict, above, all_of, any_of
from learnorder.log.labelled import from_arrays

HOLDS, NOT, OPEN = Verdict.HOLDS, Verdict.DOES_NOT_HOLD, Verdict.INCONCLUSIVE


def claim_of(name: str, collections: list[str], splits: list[str]) -> Claim:
    """A claim of the recipes, on other collections."""
    (claim,) = (claim for claim in all_claims() if claim.id == name)
    study = Study(name="simulated", collections=collections, splits=splits)
    return claim.model_copy(update={"studies": [study]})


def judged(name: str, logs: dict, split: str = "test") -> Verdict:
    """Verdict of a claim on one split of logs by collection."""
    claim = claim_of(name, list(logs), [split])
    found = find_evidence(claim, claim.studies[0], {k: {split: log} for k, log in logs.items()})
    return verdict_of(claim, found)


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("same-architecture", 0.1, HOLDS),
        ("same-architecture", 0.9, NOT),
        ("same-architecture", 1.0, NOT),
        ("benchmarks", 0.1, HOLDS),
        ("random-labels", 0.1, NOT),
        ("random-labels", 0.95, HOLDS),
        ("random-labels", 1.0, HOLDS),
        ("synthetic", 0.1, NOT),
        ("synthetic", 1.0, HOLDS),
    ],
)
def test_a_shared_order_is_told_from_none(name, own, expected):
    assert judged(name, {"one": simulated_log(own)}) == expected


def test_between_the_two_nothing_is_said():
    """A reliability that is the threshold cannot be told from it."""
    log = simulated_log(0.5)
    for threshold in (0.0, 1.0):
        thresholds = {"single_reliability": threshold}
        found = of_collections.shared_order("", "one", "test", log, thresholds)
        assert found.verdict == (NOT if threshold else HOLDS)
    thresholds = {"single_reliability": found.measures["order"].value}
    assert of_collections.shared_order("", "one", "test", log, thresholds).verdict == OPEN


def test_fewer_than_five_replicates_make_no_verdict():
    assert judged("same-architecture", {"one": simulated_log(0.1, n_replicates=4)}) == OPEN
    assert judged("same-architecture", {"one": simulated_log(0.1, n_replicates=5)}) == HOLDS


def test_intervals_that_do_not_exist_make_no_verdict():
    log = simulated_log(0.1, n_replicates=2)
    finding = of_collections.shared_order("", "one", "test", log, {"single_reliability": 0.5})
    assert finding.verdict == OPEN
    record = finding.to_dict()["measures"]["order"]
    assert record["ci"] is None
    assert "3 replicates" in record["undefined"]["ci"]


def test_too_little_learned_says_nothing_of_a_broken_order():
    log = simulated_log(1.0, progress=np.linspace(-3, -1.5, 10))
    assert judged("random-labels", {"one": log}) == OPEN


def test_one_collection_without_a_shared_order_is_enough_against_it():
    logs = {"one": simulated_log(0.1), "other": simulated_log(1.0, seed=1)}
    assert judged("same-architecture", logs) == NOT
    # of the synthetic sets one is enough
    assert judged("synthetic", logs) == HOLDS


def test_one_set_is_enough_only_if_it_holds_on_all_its_splits():
    claim = claim_of("synthetic", ["one", "other"], ["train", "test"])
    none, shared = simulated_log(1.0), simulated_log(0.1)
    for logs, expected in (
        ({"one": {"train": none, "test": shared}, "other": {"train": shared, "test": none}}, NOT),
        ({"one": {"train": none, "test": none}, "other": {"train": shared, "test": none}}, HOLDS),
    ):
        assert verdict_of(claim, find_evidence(claim, claim.studies[0], logs)) == expected


@pytest.mark.parametrize(
    ("order", "same", "other"), [(0, HOLDS, NOT), (1, NOT, HOLDS)], ids=["same", "another"]
)
def test_the_same_order_is_told_from_another(order, same, other):
    logs = {"base": simulated_log(0.2), "variant": simulated_log(0.2, seed=1, order=order)}
    assert judged("robust", logs) == same
    assert judged("other-learners", logs) == other


def test_another_pace_is_not_another_order():
    fast = np.concatenate([[-1.4, -0.7, 0.0, 0.5], np.linspace(0.7, 1.6, 6)])
    logs = {"slow": simulated_log(0.2), "fast": simulated_log(0.2, seed=1, progress=fast)}
    assert judged("robust", logs) == HOLDS


def test_the_stronger_of_two_has_to_go_on():
    strong = np.linspace(-1.5, 2.5, 10)
    logs = {"weak": simulated_log(0.2), "strong": simulated_log(0.2, seed=1, progress=strong)}
    claim = claim_of("across-architectures", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], {k: {"test": v} for k, v in logs.items()})
    assert found.because["late gains of the stronger"] == HOLDS
    assert found.because["containment above its null"] == HOLDS
    assert verdict_of(claim, [found]) == HOLDS
    # alike in the end: nothing is asked of the stronger
    logs["strong"] = simulated_log(0.2, seed=2)
    (found,) = find_evidence(claim, claim.studies[0], {k: {"test": v} for k, v in logs.items()})
    assert "late gains of the stronger" not in found.because


def test_the_order_of_types_is_told_from_that_of_their_examples():
    """Types are learned in an order of each replicate; within them examples in a common one."""
    rng = np.random.default_rng(6)
    n_types, size = 12, 40
    kind = np.repeat(np.arange(n_types), size)
    label = kind % 2
    ids = np.array([f"type{k}/{i:05d}" for i, k in enumerate(kind)])
    common = rng.normal(size=n_types * size)
    for own, expected in ((0.0, True), (1.0, False)):
        shared = rng.normal(size=n_types)
        of_type = np.sqrt(1 - own) * shared + np.sqrt(own) * rng.normal(size=(8, n_types))
        difficulty = common + 2 * of_type[:, kind]
        right = np.linspace(-2, 2, 10)[:, np.newaxis] > difficulty[:, np.newaxis]
        log = from_arrays(np.where(right, label, 1 - label), label, ids=ids)
        found = of_collections.order_of_types(log)
        assert (found.value > 0.8) == expected
    assert of_collections.order_of_types(simulated_log(0.5)) is None


def test_agreement_without_labels_is_told_from_chance():
    assert judged("out-of-sample", {"one": unlabelled_log(0.9)}, "noise") == HOLDS
    assert judged("out-of-sample", {"one": unlabelled_log(0.0)}, "noise") == NOT


def test_predicting_one_class_always_is_no_agreement():
    """Where every replicate says one class of everything, there is nothing to agree on."""
    prediction = np.zeros((6, 2, N_EXAMPLES), dtype=int)
    log = from_arrays(prediction, None, class_names=["a", "b"])
    assert judged("out-of-sample", {"one": log}, "noise") == OPEN


def test_partial_rank_correlation_is_that_of_residual_ranks():
    rng = np.random.default_rng(4)
    a, b, fixed = rng.normal(size=(3, 12))
    a, b = a + fixed, b - fixed + 0.5 * a
    ranks = [stats.rankdata(v) for v in (a, b, fixed)]
    design = np.column_stack([np.ones(12), ranks[2]])
    left = [r - design @ np.linalg.lstsq(design, r, rcond=None)[0] for r in ranks[:2]]
    found = partial_rank_correlation(a, b, fixed)
    assert found.value == pytest.approx(np.corrcoef(*left)[0, 1])
    low, high = found.ci
    assert low < found.value < high


def test_the_interval_of_a_partial_rank_correlation_covers():
    """Independent conditions: 0 is in the interval in about 95 of 100."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        low, high = partial_rank_correlation(*rng.normal(size=(3, 10))).ci
        inside += low <= 0 <= high
    assert 0.92 <= inside / 400 <= 0.98


@pytest.mark.parametrize("steps", [8, 10])
def test_similarity_that_goes_with_accuracy_is_found(steps):
    """The more is shared, the higher the accuracy; train accuracy goes another way."""
    logs = {}
    for step in range(steps):
        log = simulated_log(0.9 - 0.8 * step / steps, progress=PROGRESS + 0.15 * step)
        train = simulated_log(0.5, seed=9, progress=PROGRESS + 0.3 * ((3 * step) % steps))
        logs[f"c{step}"] = {"train": train, "test": log}
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert found.measures["shared order and accuracy"].value > 0.9
    assert len(found.curves["order"]) == steps
    assert verdict_of(claim, [found]) == HOLDS


def test_few_conditions_have_no_correlation():
    logs = {f"c{i}": {"train": simulated_log(0.5), "test": simulated_log(0.5)} for i in range(3)}
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert "there are 3 conditions" in found.measures["shared order and accuracy"].undefined
    assert found.verdict == OPEN


def test_nothing_says_nothing():
    assert all_of([]) == any_of([]) == OPEN
    assert all_of([HOLDS, OPEN, NOT]) == NOT
    assert any_of([HOLDS, OPEN, NOT]) == HOLDS
    assert any_of([OPEN, NOT]) == OPEN
    assert above((0.5, 0.5), 0.5) == OPEN
