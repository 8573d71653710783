"""Planted label errors: noise is what it is called, scores are judged as others judge them."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.labels.__main__ import main
from benchmarks.labels.best_records import BestRecords
from benchmarks.labels.campaign import FOLDS, WHOLE, Job, train
from benchmarks.labels.compared import compared
from benchmarks.labels.evidence import Networks, Setting, out_of_fold, read
from benchmarks.labels.judging import auroc, judge
from benchmarks.labels.noise import NOISES
from benchmarks.labels.others import IN_SAMPLE
from benchmarks.labels.pages import tables
from benchmarks.labels.rules import Rule
from benchmarks.labels.settings import FRESH, N_FOLDS, SETUPS, fold_of, load
from benchmarks.labels.trials import TRIALS
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

import learnorder as lo


@pytest.fixture(scope="module")
def labelled():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 4000)
    return labels, random.standard_normal((4000, 6)).astype(np.float32) + labels[:, None]


@pytest.mark.parametrize("name", NOISES)
def test_noise_changes_its_share_of_labels_the_same_way_each_time(labelled, name):
    labels, features = labelled
    noisy = NOISES[name].of(labels, features, 0)
    share, within = NOISES[name].share, 0.02 if name.startswith("instance") else 0.001
    assert np.mean(noisy != labels) == pytest.approx(share, abs=within)
    assert noisy.min() >= 0
    assert noisy.max() < 4
    assert (noisy == NOISES[name].of(labels, features, 0)).all()
    assert (noisy != NOISES[name].of(labels, features, 1)).any()


def test_symmetric_noise_prefers_no_class(labelled):
    labels, features = labelled
    noisy = NOISES["symmetric-40"].of(labels, features, 0)
    became = np.bincount((noisy - labels)[noisy != labels] % 4, minlength=4)
    assert stats.chisquare(became[1:]).pvalue > 0.001


def test_class_dependent_noise_goes_to_the_nearest_class_alone(labelled):
    labels, features = labelled
    noisy = NOISES["class-20"].of(labels, features, 0)
    for of_class, nearest in ((0, {1}), (1, {0, 2}), (2, {1, 3}), (3, {2})):
        became = set(noisy[(labels == of_class) & (noisy != labels)])
        assert len(became) == 1
        assert became <= nearest


def test_instance_dependent_noise_depends_on_the_instance(labelled):
    labels, features = labelled
    seeds = [NOISES["instance-20"].of(labels, np.zeros_like(features), s) for s in range(2)]
    spread = [len(np.unique(noisy[(labels == 0) & (noisy != 0)])) for noisy in seeds]
    assert spread == [3, 3]
    alike = np.repeat(features[:1], len(labels), axis=0) + np.float32(1e-6) * features
    noisy = NOISES["instance-20"].of(labels, alike, 0)
    assert 0.15 < np.mean(noisy != labels) < 0.25


def test_folds_of_a_partition_hold_each_example_out_once():
    for partition in (0, 1):
        seeds = range(partition * N_FOLDS, (partition + 1) * N_FOLDS)
        assert (np.sum([fold_of(103, seed) for seed in seeds], axis=0) == 1).all()
    assert (fold_of(103, 0) != fold_of(103, N_FOLDS)).any()


@pytest.mark.parametrize("decimals", [1, 8])  # with many equal scores, and with none
def test_scores_are_judged_as_scikit_learn_does(decimals):
    random = np.random.default_rng(3)
    wrong = random.random(700) < 0.2
    score = np.round(random.standard_normal(700) + wrong, decimals)
    found = judge(score, wrong)
    assert found.auroc[0] == pytest.approx(roc_auc_score(wrong, score))
    assert found.average_precision[0] == pytest.approx(average_precision_score(wrong, score))
    for value, low, high in (found.auroc, found.average_precision, found.precision_at_n):
        assert low < value < high
    if decimals == 8:
        top = np.argsort(-score)[: wrong.sum()]
        assert found.precision_at_n[0] == pytest.approx(wrong[top].mean())


def test_intervals_of_auroc_and_of_a_difference_hold_what_is_true():
    random = np.random.default_rng(5)
    true = stats.norm.cdf(1 / np.sqrt(2)), stats.norm.cdf(0.8 / np.sqrt(2))
    held = np.zeros(2)
    for _ in range(300):
        wrong = np.arange(400) < 80
        shared = random.standard_normal(400)
        own = random.standard_normal((2, 400))
        better, worse = (
            0.8 * shared + 0.6 * o + d * wrong for o, d in zip(own, (1, 0.8), strict=True)
        )
        found = auroc(better, wrong)
        low, high = found.interval()
        held[0] += low < true[0] < high
        _, low, high = found.less(auroc(worse, wrong))
        held[1] += low < true[0] - true[1] < high
    assert (stats.binom.sf(held, 300, 0.95) > 0.001).all()
    assert (stats.binom.cdf(held, 300, 0.95) > 0.001).all()


@pytest.fixture(scope="module")
def setting(tmp_path_factory, data_dir):
    """One setting, tiny, with five networks of each kind."""
    scratch = tmp_path_factory.mktemp("labels")
    for kind in (WHOLE, FOLDS):
        for seed in range(N_FOLDS):
            train(Job("fashion-mnist", "symmetric-20", kind, seed), scratch, quick=True)
    problem = load(SETUPS["fashion-mnist"].quick())
    return scratch, read("fashion-mnist", "symmetric-20", problem, scratch, N_FOLDS)


def test_networks_are_recorded_in_a_log_that_others_read(setting):
    scratch, found = setting
    log = lo.open_log(scratch / "fashion-mnist" / "symmetric-20" / "folds.zarr")["train"]
    assert log.sizes["replicate"] == N_FOLDS
    assert found.is_wrong.sum() == 60
    assert (found.folds.prediction[:, -1] == found.folds.last.argmax(axis=2)).all()
    assert np.allclose(out_of_fold(found.folds).sum(axis=1), 1, atol=1e-5)


def test_suspicion_without_early_records_is_that_of_the_product(setting):
    _, found = setting
    whole = found.whole.prediction[:, found.whole.epoch >= 1]
    log = lo.from_arrays(whole, found.given, split="train")
    rows = sorted(lo.rank(log).rows, key=lambda row: row["position"])
    for rule, column in ((Rule(), "suspicion"), (Rule(rival=False), "accessibility")):
        sign = 1 if rule.rival else -1
        expected = [sign * row[column] for row in rows]
        assert rule.score(found.whole, found.given) == pytest.approx(expected)


def test_training_again_gives_the_same_networks(setting, tmp_path):
    scratch, _ = setting
    job = Job("fashion-mnist", "symmetric-20", FOLDS, 3)
    train(job, tmp_path, quick=True)
    first, second = (np.load(job.kept(place)) for place in (scratch, tmp_path))
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("trial", TRIALS.values(), ids=list(TRIALS))
def test_every_method_is_compared_at_every_cost(setting, trial):
    _, found = setting
    assert trial.rule in trial.candidates
    assert set(trial.setups) - set(trial.chosen_on)
    records = list(compared(found, trial.rule))
    assert [record["cost"] for record in records] == [1, 3, 5]
    for record in records:
        methods = record["methods"]
        assert set(IN_SAMPLE) < set(methods)
        assert record["best_other"] not in ("the rule", "accessibility", "suspicion")
        best = methods[record["best_other"]]["auroc"][0]
        assert record["difference"][0] == pytest.approx(methods["the rule"]["auroc"][0] - best)
    assert sum(name.startswith("cleanlab") for name in records[-1]["methods"]) == 4


def test_the_second_rule_counts_records_before_wrong_labels_are_memorised():
    """Held-out examples are predicted best at the second record; later margins are of no use."""
    random = np.random.default_rng(2)
    n, n_networks = 400, 3
    wrong = np.arange(n) < 80
    held_out = random.permuted(np.tile(np.arange(n) % 5 == 0, (n_networks, 1)), axis=1)
    share_right = np.array([0.1, 0.7, 0.4, 0.3])
    right = random.random((n_networks, 4, n)) < share_right[:, np.newaxis]
    right |= ~held_out[:, np.newaxis] & (np.arange(4) > 1)[:, np.newaxis]  # all memorised
    margin = random.standard_normal((n_networks, 4, n))
    margin[:, 1] -= 5 * wrong
    margin[:, 2:] += 50 * wrong
    of_label = {"right": right, "margin": margin}
    networks = Networks(
        np.zeros((n_networks, 4, n), int), np.arange(4.0), held_out, of_label, np.zeros((0, 0, 0))
    )
    rule = BestRecords()
    assert rule.records(networks).tolist() == [False, True, False, False]
    given = np.zeros(n, dtype=int)
    setting = Setting("any", "any", given, given + wrong, networks, networks)
    assert auroc(rule.of(setting, n_networks), wrong).value > 0.99
    assert auroc(BestRecords(within=1000).of(setting, n_networks), wrong).value < 0.01


def test_what_the_second_rule_was_chosen_on_is_not_in_its_test():
    second = TRIALS["second"]
    read = {(SETUPS[name].dataset, SETUPS[name].split) for name in second.chosen_on}
    assert not read & {(SETUPS[name].dataset, SETUPS[name].split) for name in second.setups}


@pytest.mark.parametrize("trial", TRIALS.values(), ids=list(TRIALS))
def test_the_page_has_the_tables_of_the_results(trial):
    assert tables(trial) in trial.page.read_text()


def test_a_part_of_a_trial_is_not_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["labels", "judge", "digits", "--scratch", "x", "--write"])
    with pytest.raises(SystemExit):
        main()
    assert "--write is for the whole trial" in capsys.readouterr().err


def test_datasets_of_the_second_trial_are_what_they_are_called(data_dir):
    labels = {name: load(setup).labels for name, setup in FRESH.items()}
    assert {name: len(np.bincount(of)) for name, of in labels.items()} == {
        "cifar100-groups": 19,
        "small-mammals": 5,
        "digits": 10,
        "topics": 7,
    }
    groups = lo.load_dataset("cifar100-subset", label_column="coarse_label").class_names
    assert set(groups) - set(FRESH["cifar100-groups"].options["classes"]) == {"small_mammals"}
    texts = lo.load_dataset("20newsgroups")
    seventh = texts.class_names[texts.test.examples.labels[-1]]
    assert seventh.startswith("talk.")
    assert labels["topics"][-1] == 6
