"""Self-checks: they say what is odd, and are silent where theory holds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import learnorder as lo
from learnorder.cli import main
from learnorder.log.creation import NewLog, create_log
from learnorder.log.writer import ReplicateWriter
from learnorder.measures import checks
from learnorder.measures.summary import summarise
from learnorder.schema import EpochPredictions, Examples

LABEL = np.arange(300) % 4


def collection(n_replicates=4, n_epochs=3, seed=0, share=0.8):
    """Predictions of replicates that err by chance."""
    rng = np.random.default_rng(seed)
    right = rng.random((n_replicates, n_epochs, len(LABEL))) < share
    return np.where(right, LABEL, rng.integers(0, 4, right.shape))


def of_kind(notes, word):
    return [note for note in notes if word in note]


COPY = "have the same predictions"
ERROR = "two replicates disagree on"
SPREAD = "has a deviation of"


def test_a_seed_trained_twice_is_named():
    votes = collection()
    votes[3] = votes[1]
    log = lo.from_arrays(votes, LABEL, seeds=[2, 5, 7, 11])
    (note,) = of_kind(lo.self_checks(log), COPY)
    assert note.startswith("seeds 5, 11 have the same predictions at every recorded epoch > 0:")
    assert "\n" not in note


def test_groups_of_copies_are_listed_and_long_ones_cut():
    votes = collection(n_replicates=4)[np.repeat([0, 1, 2, 3], [7, 2, 1, 1])]
    (note,) = of_kind(lo.self_checks(lo.from_arrays(votes, LABEL)), COPY)
    assert note.startswith("seeds 0, 1, 2, 3, 4, ...; 7, 8 have")
    many = collection(n_replicates=7)[np.repeat(np.arange(7), 2)]
    (note,) = of_kind(lo.self_checks(lo.from_arrays(many, LABEL)), COPY)
    assert note.startswith("seeds 0, 1; 2, 3; 4, 5; 6, 7; 8, 9; and 2 groups more have")


@pytest.mark.parametrize("epoch", [1, 2])
def test_one_example_at_one_epoch_makes_replicates_different(epoch):
    votes = collection()
    votes[3] = votes[1]
    votes[3, epoch, 17] = (votes[3, epoch, 17] + 1) % 4
    assert not of_kind(lo.self_checks(lo.from_arrays(votes, LABEL, epochs=[0, 1, 2])), COPY)


def test_what_replicates_predict_before_training_does_not_tell_them_apart():
    votes = collection()
    votes[3, 1:] = votes[1, 1:]
    assert of_kind(lo.self_checks(lo.from_arrays(votes, LABEL, epochs=[0, 1, 2])), COPY)
    same = np.broadcast_to(votes[:1], (4, 3, len(LABEL)))
    assert not of_kind(lo.self_checks(lo.from_arrays(same[:, :1], LABEL, epochs=[0])), COPY)


def test_an_epoch_of_training_that_is_called_0_is_noted():
    rng = np.random.default_rng(0)
    label = np.arange(300) % 3
    right = rng.random((4, 3, 300)) < np.array([0.6, 0.7, 0.8])[:, np.newaxis]
    prediction = np.where(right, label, (label + 1) % 3)

    def noted(*epochs):
        return of_kind(lo.self_checks(lo.from_arrays(prediction, label, epochs=epochs)), "epoch 0")

    (note,) = noted(0, 1, 2)
    assert "(its largest class has 33.3 %): if it is the first epoch of training, number" in note
    assert not noted(1, 2, 3)
    prediction[:, 0] = np.arange(4)[:, np.newaxis] % 3  # one class for everything
    assert not noted(0, 1, 2)


def test_a_plateau_of_perfect_accuracy_is_no_copy():
    votes = collection()
    votes[:, 2] = LABEL
    assert not of_kind(lo.self_checks(lo.from_arrays(votes, LABEL)), COPY)
    perfect = lo.from_arrays(np.broadcast_to(LABEL, (4, 3, len(LABEL))), LABEL)
    assert lo.self_checks(perfect) == ()
    # Without labels nobody knows that they are right.
    assert of_kind(lo.self_checks(perfect.drop_vars("label")), COPY)


def test_without_labels_copies_are_found_and_nothing_else_is_asked():
    votes = collection(6)
    votes[3] = votes[1]
    notes = lo.self_checks(lo.from_arrays(votes))
    assert len(notes) == 1
    assert notes[0].startswith("seeds 1, 3 have")


def calibrated(rng, n_replicates, n_examples, n_classes=4, concentration=0.3):
    """Labels and predictions drawn from one distribution of classes for each example."""
    chance = rng.dirichlet([concentration] * n_classes, n_examples)
    edges = chance.cumsum(axis=1)
    edges[:, -1] = 1.1  # beyond any draw, whatever rounding left
    drawn = rng.random((n_replicates + 1, n_examples, 1))
    votes = (drawn > edges).sum(axis=2)
    return lo.from_arrays(votes[1:, None], votes[0], class_names=[str(k) for k in range(n_classes)])


def false_alarms(n_replicates, n_examples, repeats, seed):
    rng = np.random.default_rng(seed)
    notes = [
        lo.self_checks(
            calibrated(rng, n_replicates, n_examples, concentration=rng.choice([0.05, 1]))
        )
        for _ in range(repeats)
    ]
    return {kind: sum(bool(of_kind(n, kind)) for n in notes) for kind in (COPY, ERROR, SPREAD)}


@pytest.mark.parametrize("n_replicates", [5, 20])
def test_false_alarms_are_as_rare_as_stated(n_replicates):
    """Of 300, 1 % are 3; more than 9 would be seen once in 1,000 such tests."""
    found = false_alarms(n_replicates, 400, 300, seed=n_replicates)
    assert found[COPY] == 0
    assert found[ERROR] <= 9
    assert found[SPREAD] <= 9


def test_the_interval_of_disagreement_less_error_covers_where_both_are_equal(monkeypatch):
    """Any certain difference is a note here, however small: still no more than 1 %."""
    monkeypatch.setattr(checks, "FAR", 0.0)
    for n_replicates in (3, 10):
        assert false_alarms(n_replicates, 400, 200, seed=n_replicates)[ERROR] <= 7


def overconfident(share_wrong_label, n_replicates=6, seed=1):
    """Replicates that nearly agree, on labels of which some are wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, 600)
    votes = np.where(rng.random((n_replicates, 1, 600)) < 0.98, truth, rng.integers(0, 4, 600))
    label = np.where(rng.random(600) < share_wrong_label, (truth + 1) % 4, truth)
    return lo.from_arrays(votes, label)


def test_errors_that_all_replicates_share_are_noted_with_both_numbers():
    log = overconfident(0.2)
    (note,) = of_kind(lo.self_checks(log), ERROR)
    disagreement, error = float(lo.disagreement(log)[0]), 1 - float(lo.accuracy(log).mean())
    assert note.startswith(
        f"test, epoch 1: two replicates disagree on {100 * disagreement:.3g} % of the examples, "
        f"one is wrong on {100 * error:.3g} %;"
    )
    assert "less disagreement than error can mean" in note
    assert "wrong labels" in note


def test_errors_that_no_two_replicates_share_are_noted():
    votes = np.tile(LABEL, (5, 1, 1))
    for r in range(5):
        votes[r, 0, 20 * r : 20 * r + 20] += 1
    (note,) = of_kind(lo.self_checks(lo.from_arrays(votes % 4, LABEL)), ERROR)
    assert "disagree on 13.3 % of the examples, one is wrong on 6.67 %" in note
    assert "more disagreement than error can mean" in note
    assert "training data too" in note


def test_disagreement_is_held_against_error_on_the_test_split_alone_from_three_replicates():
    log = overconfident(0.2)
    assert not of_kind(lo.self_checks(log.assign_attrs(split="train")), ERROR)
    assert not of_kind(lo.self_checks(log.isel(replicate=[0, 1])), ERROR)
    assert of_kind(lo.self_checks(log.isel(replicate=[0, 1, 2])), ERROR)
    assert not of_kind(lo.self_checks(log.isel(example=range(9))), ERROR)
    assert not of_kind(lo.self_checks(log.assign_coords(epoch=[0.0])), ERROR)


def test_a_difference_that_is_certain_but_small_is_no_note():
    log = overconfident(0.01)
    assert float(lo.disagreement(log)[0]) / (1 - float(lo.accuracy(log).mean())) > 0.5
    assert not of_kind(lo.self_checks(log), ERROR)


def spread(skill, n_examples=2000, seed=3):
    """Replicates, each with its own share of right answers, on examples of unequal difficulty."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n_examples)
    easy = rng.beta(2, 1, n_examples)
    right = rng.random((len(skill), 1, n_examples)) < easy * np.array(skill)[:, None, None]
    return lo.from_arrays(np.where(right, label, (label + 1) % 3), label)


def test_replicates_of_unequal_skill_are_noted_with_the_deviation_found_and_expected():
    log = spread(np.linspace(0.8, 1, 8))
    (note,) = of_kind(lo.self_checks(log), SPREAD)
    p = lo.tp_agreement(log).values[0]
    expected = 100 * np.sqrt(8 / 7 * (p * (1 - p)).sum()) / 2000
    found = 100 * float(lo.accuracy(log).std(ddof=1))
    assert note.startswith(
        f"test, epoch 1: the accuracy of replicates has a deviation of {found:.3g} %, where errors "
        f"that are independent over examples give {expected:.3g} %, more than chance:"
    )


def test_the_test_of_spread_is_that_of_chi_square(monkeypatch):
    log = spread([0.9, 0.91, 0.92, 0.9, 0.93, 0.9])
    p = lo.tp_agreement(log).values[0]
    variance = 6 / 5 * (p * (1 - p)).sum() / 2000**2
    statistic = 5 * float(lo.accuracy(log).var(ddof=1)) / variance
    tail = min(stats.chi2.sf(statistic, 5), stats.chi2.cdf(statistic, 5))
    monkeypatch.setattr(checks, "LEVEL", 1 - 2 * tail * 0.999)
    assert not of_kind(lo.self_checks(log), SPREAD)
    monkeypatch.setattr(checks, "LEVEL", 1 - 2 * tail * 1.001)
    assert of_kind(lo.self_checks(log), SPREAD)


def test_replicates_picked_by_their_accuracy_are_noted():
    many = spread([0.9] * 400, n_examples=500)
    accuracy = lo.accuracy(many).values[:, 0]
    picked = np.argsort(np.abs(accuracy - np.median(accuracy)), kind="stable")[:10]
    log = many.isel(replicate=np.sort(picked))
    (note,) = of_kind(lo.self_checks(log), SPREAD)
    assert "less than chance: have replicates been picked" in note


def test_the_spread_is_not_tested_with_few_replicates_or_few_unsettled_examples():
    log = spread(np.linspace(0.5, 1, 5))
    assert of_kind(lo.self_checks(log), SPREAD)
    assert not of_kind(lo.self_checks(log.isel(replicate=range(4))), SPREAD)
    assert not of_kind(lo.self_checks(log.isel(example=range(40))), SPREAD)


def test_one_replicate_or_one_example_has_no_notes():
    assert lo.self_checks(lo.from_arrays(collection(1), LABEL)) == ()
    assert lo.self_checks(lo.from_arrays([[[0]], [[1]], [[2]]], [0])) == ()


def odd_log():
    votes = collection(6, 4, share=0.9)
    votes[3] = votes[1]
    votes[:, :, 100:200] = votes[:1, :, 100:200]
    return lo.from_arrays(votes, (LABEL + (np.arange(300) > 180)) % 4, epochs=[0, 1, 2, 5])


def test_notes_do_not_depend_on_how_a_log_is_cut_and_are_those_of_the_summary(lazy):
    log = odd_log()
    notes = lo.self_checks(log)
    assert len(notes) == 3
    for chunk in ((1, 300), (4, 64), (2, 7)):
        cut, _ = lazy(log, chunk)
        assert lo.self_checks(cut) == notes
        found = json.loads(json.dumps(summarise(cut)))
        assert tuple(found["notes"]) == notes


def test_measure_prints_notes_after_the_table_and_gives_them_in_json(tmp_path):
    path, votes = tmp_path / "odd.zarr", odd_log()["prediction"].values.astype(np.uint8)
    about = {"name": "odd", "kind": "features", "fingerprint": "f", "class_names": list("abcd")}
    examples = Examples(np.arange(300), LABEL)
    splits = {"test": (examples, None)}
    create_log(path, NewLog({}, "identity", about, {"learnorder": "0"}, splits))
    for seed, each in enumerate(votes):
        with ReplicateWriter(path, seed, [1.0, 2.0, 3.0, 4.0], {}) as writer:
            for e, at_epoch in enumerate(each):
                writer.write(EpochPredictions(seed, e, float(e + 1), {"test": at_epoch}))
            writer.finish()
    notes = lo.self_checks(lo.open_log(path)["test"])
    assert notes[0].startswith("seeds 1, 3 have")
    shown = CliRunner().invoke(main, ["measure", str(path)])
    assert f"note: {notes[0]}" in shown.stderr
    assert "note:" not in shown.stdout
    as_json = CliRunner().invoke(main, ["measure", str(path), "--json"])
    assert tuple(json.loads(as_json.stdout)["notes"]) == notes
