"""Rules of the claims on simulated logs with a known answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from tests.claims.simulated import N_EXAMPLES, PROGRESS, simulated_log, unlabelled_log

from learnorder.claims import of_collections
from learnorder.claims.judging import find_evidence, level_of, verdict_of
from learnorder.claims.matched import halfway
from learnorder.claims.of_conditions import partial_rank_correlation, residual_ranks
from learnorder.claims.recipe import Claim, Study, all_claims
from learnorder.claims.verdicts import Verdict, above, all_of, any_of
from learnorder.log.labelled import from_arrays
from learnorder.measures.intervals import at_level
from learnorder.measures.summary import summarise

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
    claim = claim_of("same-architecture", ["one"], ["test"])

    def found(threshold):
        by = {"thresholds": {"single_reliability": threshold, "kappa": 0.0}}
        (finding,) = find_evidence(
            claim.model_copy(update=by), claim.studies[0], {"one": {"test": log}}
        )
        return finding

    assert found(0.0).verdict == HOLDS
    assert found(0.9).verdict == NOT
    assert found(found(0.9).measures["order"].value).verdict == OPEN


def test_fewer_than_five_replicates_make_no_verdict():
    assert judged("same-architecture", {"one": simulated_log(0.1, n_replicates=4)}) == OPEN
    assert judged("same-architecture", {"one": simulated_log(0.1, n_replicates=5)}) == HOLDS


def test_intervals_that_do_not_exist_make_no_verdict():
    log = simulated_log(0.1, n_replicates=2)
    claim = claim_of("same-architecture", ["one"], ["test"])
    (finding,) = find_evidence(claim, claim.studies[0], {"one": {"test": log}})
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
    assert found.because["learned gain"] == HOLDS
    assert found.because["containment"] == HOLDS
    assert verdict_of(claim, [found]) == HOLDS
    # alike in the end: nothing is asked of the stronger
    logs["strong"] = simulated_log(0.2, seed=2)
    (found,) = find_evidence(claim, claim.studies[0], {k: {"test": v} for k, v in logs.items()})
    assert "learned gain" not in found.because
    assert found.verdict == HOLDS
    assert verdict_of(claim, [found]) == OPEN, "that the stronger goes on was not to be seen"


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
    assert judged("out-of-sample", {"one": unlabelled_log(0.4)}, "noise") == HOLDS
    # 400 examples are enough to say that there is next to none
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
    assert np.allclose(left, [residual_ranks(a, fixed), residual_ranks(b, fixed)])
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


def conditions(steps: int, own: Callable[[int], float]) -> dict:
    """Conditions of which the later go further, and are better on train in another order."""
    logs = {}
    for step in range(steps):
        further = np.linspace(-1.5, -0.2 + 0.2 * step, 12)
        log = simulated_log(own(step), seed=step, progress=further)
        train = simulated_log(0.5, seed=50 + step, progress=PROGRESS - 0.2 * ((3 * step) % steps))
        logs[f"c{step}"] = {"train": train, "test": log}
    return logs


@pytest.mark.parametrize("steps", [8, 10])
def test_similarity_that_goes_with_accuracy_is_found(steps):
    logs = conditions(steps, lambda step: 0.9 - 0.8 * step / steps)
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert found.measures["order and accuracy"].value > 0.9
    assert len(found.curves["order"]) == steps
    assert verdict_of(claim, [found]) == HOLDS


def test_going_further_is_no_similarity():
    """All share the same; those that learn more only show more of it."""
    logs = conditions(12, lambda step: 0.5)
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert abs(found.measures["order and accuracy"].value) < 0.7
    assert verdict_of(claim, [found]) == OPEN
    # from each condition's own epochs it would have been a law
    whole = [summarise(splits["test"]) for splits in logs.values()]
    order = [
        of_collections.single_reliability(content["order"], content["n_replicates"]).value
        for content in whole
    ]
    assert stats.spearmanr(order, found.curves["test"])[0] > 0.7


def test_a_train_accuracy_without_spread_is_not_held_fixed():
    logs = conditions(8, lambda step: 0.9 - 0.1 * step)
    full = simulated_log(0.5, progress=PROGRESS + 3)
    for name in ("c0", "c1", "c2"):
        logs[name]["train"] = full
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert "nothing to hold fixed" in found.measures["order and accuracy"].undefined
    assert found.verdict == OPEN


def test_a_condition_that_hardly_learns_is_left_out_and_named():
    logs = conditions(8, lambda step: 0.9 - 0.1 * step)
    claim = claim_of("generalisation", [*logs, "stuck"], ["test"])
    (expected,) = find_evidence(claim, claim.studies[0], logs)
    stuck = simulated_log(0.5, progress=np.full_like(PROGRESS, PROGRESS.min() - 2))
    logs["stuck"] = {"train": stuck, "test": stuck}
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert "left out: one replicate has an accuracy of" in found.undefined["stuck"]
    assert found.measures == expected.measures
    assert "stuck" not in found.curves["collection"]


def test_a_condition_with_too_few_replicates_or_none_is_left_out_and_named():
    logs = conditions(8, lambda step: 0.9 - 0.1 * step)
    claim = claim_of("generalisation", [*logs, "few", "gone"], ["test"])
    few = simulated_log(0.5, n_replicates=4)
    (found,) = find_evidence(claim, claim.studies[0], logs | {"few": {"train": few, "test": few}})
    assert found.subject == "8 collections"
    assert found.undefined == {
        "few": "left out: of its replicates 4 finished, and it takes 5",
        "gone": "left out: of its replicates 0 finished, and it takes 5",
    }


def test_few_conditions_have_no_correlation():
    logs = {f"c{i}": {"train": simulated_log(0.5), "test": simulated_log(0.5)} for i in range(3)}
    claim = claim_of("generalisation", list(logs), ["test"])
    (found,) = find_evidence(claim, claim.studies[0], logs)
    assert "there are 3 conditions" in found.measures["order and accuracy"].undefined
    assert found.verdict == OPEN


def test_replicates_of_different_pace_are_compared_at_one_accuracy():
    """One order at paces far apart: at one accuracy kappa is high."""
    replicates = [
        simulated_log(0.2, n_replicates=1, seed=seed, progress=PROGRESS + shift)
        for seed, shift in enumerate((-0.6, -0.3, 0.0, 0.3, 0.6))
    ]
    stacked = np.concatenate([log["prediction"].values for log in replicates])
    log = from_arrays(stacked, replicates[0]["label"].values)
    found = of_collections.kappa_halfway(halfway(log))
    assert found.ci[0] > 0.3
    assert judged("same-architecture", {"one": log}) == HOLDS


def test_a_grid_that_begins_after_halfway_says_nothing():
    log = simulated_log(1.0, progress=np.linspace(1.2, 3, 10))
    found = of_collections.kappa_halfway(halfway(log))
    assert "already" in found.undefined
    assert judged("synthetic", {"one": log}) == OPEN
    assert judged("same-architecture", {"one": log}) == NOT, "the other part speaks against it"


def test_one_replicate_that_learned_nothing_says_nothing_of_a_broken_order():
    log, stuck = simulated_log(1.0), simulated_log(1.0, 1, progress=np.full(10, -4.0))
    both = np.concatenate([log["prediction"].values, stuck["prediction"].values])
    assert judged("synthetic", {"one": from_arrays(both, log["label"].values)}) == OPEN


def test_replicates_that_fall_back_to_chance_say_nothing_of_a_broken_order():
    """What they answer then is shared by none, or by all, and has nothing to do with an order."""
    log = simulated_log(1.0)
    assert judged("synthetic", {"one": log}) == HOLDS
    prediction = log["prediction"].values.copy()
    prediction[0, -1] = 0
    fallen = from_arrays(prediction, log["label"].values)
    (found,) = find_evidence(
        claim_of("synthetic", ["one"], ["test"]),
        Study(name="simulated", collections=["one"], splits=["test"]),
        {"one": {"test": fallen}},
    )
    assert (found.verdict, found.measures["accuracy"].value) == (OPEN, 0.25)


def test_a_subject_with_few_replicates_leaves_the_others_their_verdict():
    few, none = simulated_log(0.1, n_replicates=4), simulated_log(1.0)
    assert judged("same-architecture", {"one": few, "other": none}) == NOT
    assert judged("same-architecture", {"one": few, "other": simulated_log(0.1)}) == OPEN
    assert judged("synthetic", {"one": few, "other": none}) == HOLDS


def test_a_collection_of_which_nothing_finished_keeps_the_claim_open():
    shared = {"test": simulated_log(0.1)}
    for name, subjects in (("same-architecture", 2), ("robust", 1)):
        claim = claim_of(name, ["one", "gone"], ["test"])
        found = find_evidence(claim, claim.studies[0], {"one": shared})
        assert len(found) == subjects
        assert found[-1].to_dict()["undefined"] == {"measures": "no replicate of gone finished"}
        assert (found[-1].verdict, found[-1].n_replicates) == (OPEN, 0)
        assert verdict_of(claim, found) == OPEN


def test_where_one_is_enough_intervals_are_wider():
    claim = claim_of("other-learners", ["net", "a", "b", "c"], ["test"])
    assert level_of(claim, claim.studies) == pytest.approx(1 - 0.05 / 3)
    assert level_of(claim_of("robust", ["net", "a"], ["test"]), []) == 0.95
    logs = {name: {"test": simulated_log(0.3, seed=i)} for i, name in enumerate(("net", "a"))}
    ends = []
    for level in (0.95, 0.99):
        with at_level(level):
            (found, *_) = find_evidence(claim, claim.studies[0], logs)
        ends.append(found.measures["corrected"].ci)
    assert ends[1][0] < ends[0][0] < ends[0][1] < ends[1][1]
    t = stats.t.ppf(0.995, 4) / stats.t.ppf(0.975, 4)
    assert (ends[1][1] - ends[1][0]) / (ends[0][1] - ends[0][0]) < t


def test_nothing_says_nothing():
    assert all_of([]) == any_of([]) == OPEN
    assert all_of([HOLDS, OPEN, NOT]) == NOT
    assert any_of([HOLDS, OPEN, NOT]) == HOLDS
    assert any_of([OPEN, NOT]) == OPEN
    assert above((0.5, 0.5), 0.5) == OPEN
