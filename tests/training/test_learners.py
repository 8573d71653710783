"""Learners that are no networks, held against scikit-learn, and what a spec may ask of them."""

from __future__ import annotations

import importlib
import inspect
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    AdaBoostClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from learnorder.datasets.dataset import Dataset
from learnorder.errors import ExtraMissing, LearnOrderError
from learnorder.training.architectures.table import known_architectures
from learnorder.training.cost import probe
from learnorder.training.data import TrainingTensors
from learnorder.training.inputs import encode
from learnorder.training.learners import replicates
from learnorder.training.learners.adaboost import adaboost_linear, adaboost_stumps
from learnorder.training.learners.contract import LearnerData
from learnorder.training.learners.cost import estimate
from learnorder.training.learners.forest import random_forest
from learnorder.training.learners.gradient_boosting import gradient_boosting
from learnorder.training.learners.linear import linear_svm, logistic_regression
from learnorder.training.learners.neighbours import _nearest, k_nn
from learnorder.training.learners.replicates import Learners, replicate_rounds
from learnorder.training.learners.rows import learner_data
from learnorder.training.loop import train_replicate
from learnorder.training.spec import TrainingSpec, identifying_choices

LEARNERS = [entry for entry in known_architectures() if entry.is_learner]
NAMES = [entry.name for entry in LEARNERS]
N_ROUNDS = 6


def spec_of(name, epochs=N_ROUNDS, **tables):
    architecture = {"name": name, "options": tables.pop("options", {})}
    training = {"epochs": epochs, **tables.pop("training", {})}
    given = {"dataset": {"name": "arrays"}, "architecture": architecture, "training": training}
    return TrainingSpec.from_tables({**given, **tables})


@pytest.fixture(scope="module")
def data() -> LearnerData:
    """Digits: 200 to learn from, 150 to test on, all ten classes."""
    images, labels = load_digits(return_X_y=True)
    rows = (images / 16).astype(np.float32)
    splits = {"train": rows[:200], "test": rows[200:350]}
    return LearnerData(splits["train"], labels[:200].astype(np.int64), splits, 10)


@pytest.fixture(scope="module")
def two_classes(data) -> LearnerData:
    """The same, even against odd."""
    return LearnerData(data.inputs, data.labels % 2, data.splits, 2)


@pytest.fixture(scope="module")
def tensors() -> TrainingTensors:
    images, labels = load_digits(return_X_y=True)
    pixels = (images.reshape(-1, 8, 8) * 15).astype(np.uint8)
    return TrainingTensors.from_inputs(
        encode(Dataset.from_arrays(pixels[:150], labels[:150], pixels[150:220], labels[150:220]))
    )


def classes(rounds, split):
    """Predicted classes ``(round, example)``."""
    return np.stack([found.scores[split].argmax(1) for found in rounds])


def epochs(spec, tensors, seed=0):
    return list(train_replicate(spec, tensors, seed))


def arrays(x, y, xt=None):
    """Tensors of plain features."""
    xt = x if xt is None else xt
    dataset = Dataset.from_arrays(x, y, xt, np.zeros(len(xt), int))
    return TrainingTensors.from_inputs(encode(dataset))


# against scikit-learn


def test_the_forest_of_each_size_is_that_of_scikit_learn(data):
    found = list(random_forest(data, 5, [1, 2, 7]))
    for n_trees, of_round in zip([1, 2, 7], found, strict=True):
        forest = RandomForestClassifier(n_trees, random_state=5).fit(data.inputs, data.labels)
        for name, rows in data.splits.items():
            np.testing.assert_array_equal(of_round.scores[name], forest.predict_proba(rows))


@pytest.mark.parametrize("which", ["data", "two_classes"])
def test_boosted_stumps_are_the_stages_of_scikit_learn(which, request):
    data = request.getfixturevalue(which)
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=12, random_state=3)
    model.fit(data.inputs, data.labels)
    found = list(adaboost_stumps(data, 3, range(1, 13)))
    for name, rows in data.splits.items():
        np.testing.assert_array_equal(classes(found, name), list(model.staged_predict(rows)))
    assert all(of_round.stop is None for of_round in found)


def test_samme_by_hand_gives_the_same_rounds(two_classes):
    data, votes = two_classes, np.zeros(150)
    weights = np.full(200, 1 / 200)
    for of_round in adaboost_stumps(data, 0, range(1, 6)):
        stump = DecisionTreeClassifier(max_depth=1, random_state=0)
        stump.fit(data.inputs, data.labels, sample_weight=weights)
        wrong = stump.predict(data.inputs) != data.labels
        error = weights[wrong].sum() / weights.sum()
        alpha = np.log((1 - error) / error)
        votes += alpha * (2 * stump.predict(data.splits["test"]) - 1)
        weights = weights * np.exp(alpha * wrong)
        weights /= weights.sum()
        np.testing.assert_array_equal(of_round.scores["test"].argmax(1), votes > 0)


def test_boosted_linear_classifiers_are_the_stages_of_scikit_learn(data):
    weak = LogisticRegression(C=200.0, max_iter=4)
    model = AdaBoostClassifier(weak, n_estimators=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(data.inputs, data.labels)
    found = list(adaboost_linear(data, 0, range(1, 6), iterations=4))
    expected = list(model.staged_predict(data.splits["test"]))
    np.testing.assert_array_equal(classes(found, "test"), expected)


@pytest.mark.parametrize("which", ["data", "two_classes"])
def test_boosted_gradients_are_the_stages_of_scikit_learn(which, request):
    data = request.getfixturevalue(which)
    options = {"max_leaf_nodes": 4, "max_features": 0.5, "early_stopping": False}
    model = HistGradientBoostingClassifier(max_iter=4, random_state=1, **options)
    model.fit(data.inputs, data.labels)
    found = list(gradient_boosting(data, 1, [1, 2, 4], max_leaf_nodes=4))
    stages = list(model.staged_predict_proba(data.splits["test"]))
    for number, of_round in zip([1, 2, 4], found, strict=True):
        powers = np.exp(of_round.scores["test"])
        shares = powers / powers.sum(1, keepdims=True)
        np.testing.assert_allclose(shares, stages[number - 1], rtol=1e-9)


@pytest.mark.parametrize("which", ["data", "two_classes"])
def test_each_k_is_that_of_scikit_learn(which, request):
    data = apart(request.getfixturevalue(which))
    for k, of_round in zip(range(1, 9), k_nn(data, 0, range(1, 9)), strict=True):
        model = KNeighborsClassifier(k, algorithm="brute").fit(data.inputs, data.labels)
        for name, rows in data.splits.items():
            np.testing.assert_array_equal(of_round.scores[name].argmax(1), model.predict(rows))
            np.testing.assert_array_equal(of_round.scores[name], model.predict_proba(rows))


def apart(data):
    """Return the data with no two inputs equally far from a third: there libraries may choose."""
    rng = np.random.default_rng(0)
    jittered = {n: x + rng.normal(0, 1e-3, x.shape).astype("f4") for n, x in data.splits.items()}
    return LearnerData(jittered["train"], data.labels, jittered, data.n_classes)


def test_nearest_are_the_same_however_many_are_asked_for():
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 3, (60, 2)).astype(np.float32)  # many equally far
    whole = _nearest(inputs, inputs, 60)
    distances = ((inputs[:, None] - inputs[None]) ** 2).sum(2)
    expected = np.argsort(distances, axis=1, kind="stable")
    np.testing.assert_array_equal(whole, expected)
    for most in (1, 2, 17, 59):
        np.testing.assert_array_equal(_nearest(inputs, inputs, most), whole[:, :most])


def test_logistic_regression_takes_the_iterations_of_scikit_learn(data):
    found = list(logistic_regression(data, 0, [1, 2, 3, 8]))
    wide = data.inputs.astype(np.float64)
    for n_iterations, of_round in zip([1, 2, 3, 8], found, strict=True):
        model = LogisticRegression(max_iter=n_iterations)
        with pytest.warns(ConvergenceWarning):
            model.fit(wide, data.labels)
        expected = model.decision_function(data.splits["test"].astype(np.float64))
        scores = of_round.scores["test"]
        centred = scores - scores.mean(1, keepdims=True)
        np.testing.assert_allclose(
            centred, expected - expected.mean(1, keepdims=True), rtol=1e-5, atol=1e-6
        )


def test_logistic_regression_converges_and_says_when(data):
    found = list(logistic_regression(data, 0, [5, 900, 1000]))
    model = LogisticRegression(max_iter=1000).fit(data.inputs.astype(np.float64), data.labels)
    assert found[0].stop is None
    assert 10 < found[-1].stop.round < 900
    assert found[-1].stop.reason == "it has converged"
    assert found[-1].stop.round == int(model.n_iter_[0])
    np.testing.assert_array_equal(found[1].scores["test"], found[2].scores["test"])


def test_the_support_vector_machine_ends_at_that_of_scikit_learn(data):
    *_, last = linear_svm(data, 0, [2000], c=0.1)
    model = LinearSVC(C=0.1, dual=False, tol=1e-8).fit(data.inputs, data.labels)
    expected = model.decision_function(data.splits["test"])
    np.testing.assert_allclose(last.scores["test"], expected, atol=0.02)
    assert (last.scores["test"].argmax(1) == expected.argmax(1)).mean() > 0.98


# what holds of all of them


def test_the_table_tells_the_options_of_each_learner():
    for entry in LEARNERS:
        module, _, function = entry.factory.partition(":")
        found = inspect.signature(getattr(importlib.import_module(module), function)).parameters
        keywords = {k: p.default for k, p in found.items() if p.kind is p.KEYWORD_ONLY}
        assert keywords == {k: v for k, v in entry.options.items() if k != "bootstrap"}, entry.name


@pytest.mark.parametrize("name", NAMES)
def test_seed_fixes_every_prediction_and_a_longer_training_begins_the_same(name, tensors):
    first, again, other = (epochs(spec_of(name), tensors, seed) for seed in (3, 3, 4))
    longer = epochs(spec_of(name, epochs=N_ROUNDS + 3), tensors, 3)
    assert [e.epoch for e in first] == list(range(1, N_ROUNDS + 1))
    for split in ("train", "test"):
        of = [[e.predictions[split].tobytes() for e in run] for run in (first, again, longer)]
        assert of[0] == of[1] == of[2][:N_ROUNDS]
    assert any(
        (a.predictions[split] != b.predictions[split]).any()
        for a, b in zip(first, other, strict=True)
        for split in ("train", "test")
    )


@pytest.mark.parametrize("name", NAMES)
def test_they_learn_and_a_sparse_grid_has_the_same_rounds(name, tensors):
    dense = epochs(spec_of(name, 8), tensors)
    sparse = epochs(spec_of(name, 8, recording={"every": 4}), tensors)
    assert [e.epoch for e in sparse] == [4, 8]
    for early, late in zip((dense[3], dense[7]), sparse, strict=True):
        np.testing.assert_array_equal(early.predictions["test"], late.predictions["test"])
    labels = tensors.labels["test"].numpy()
    assert (dense[-1].predictions["test"] == labels).mean() > (0.2 if "stumps" in name else 0.7)


@pytest.mark.parametrize("name", sorted({*NAMES} - {"random-forest"}))
def test_without_bootstrap_only_randomness_of_its_own_is_left(name, tensors):
    spec = spec_of(name, options={"bootstrap": False})
    one, two = (epochs(spec, tensors, seed)[-1].predictions["test"] for seed in (0, 1))
    if name == "gradient-boosting":
        assert (one != two).any()
    elif name != "adaboost-stumps":  # of equal splits the seed chooses one
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_one_example_per_class(name):
    x = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    plain = {} if name == "random-forest" else {"options": {"bootstrap": False}}
    *_, last = epochs(spec_of(name, 3, **plain), arrays(x, np.arange(3)))
    assert set(last.predictions["train"].tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_constant_features_predict_the_commonest_class(name):
    labels = np.array([1] * 30 + [0] * 10 + [2] * 5)
    plain = {} if name == "random-forest" else {"options": {"bootstrap": False}}
    *_, last = epochs(spec_of(name, 45, **plain), arrays(np.ones((45, 2)), labels))
    assert set(last.predictions["test"].tolist()) == {1}


@pytest.mark.parametrize("name", ["adaboost-stumps", "adaboost-linear"])
def test_boosting_that_cannot_begin_says_so(name):
    spec = spec_of(name, options={"bootstrap": False})
    with pytest.raises(LearnOrderError, match=r"is no better than chance .3 classes, 30 examples"):
        epochs(spec, arrays(np.ones((30, 2)), np.arange(30) % 3))


def test_boosting_without_error_stops_and_stays_as_it_is():
    x = np.linspace(-1, 1, 20)[:, None]
    spec = spec_of("adaboost-stumps", 5, options={"bootstrap": False})
    tensors = arrays(x, (x[:, 0] > 0).astype(int))
    learners = Learners(spec, tensors, [7])
    (data,) = [learner_data(tensors)]
    found = list(replicate_rounds(spec, data, 7, range(1, 6)))
    assert [of_round.stop and of_round.stop.round for of_round in found] == [None, 1, 1, 1, 1]
    assert found[-1].stop.reason == "the weak learner of round 1 makes no error"
    np.testing.assert_array_equal(found[0].scores["test"], found[-1].scores["test"])
    assert learners.stopped == {}


def test_boosting_no_better_than_chance_stops_before_that_round():
    # after one constant weak learner both classes weigh the same, up to rounding
    x, y = np.ones((40, 1)), np.repeat([0, 1], [30, 10])
    found = list(adaboost_stumps(LearnerData(*rows_of(x, y)), 0, range(1, 6)))
    assert [of_round.stop and of_round.stop.round for of_round in found] == [None, 1, 1, 1, 1]
    assert found[-1].stop.reason == "the weak learner of round 2 is no better than chance"
    assert classes(found, "train").tolist() == [[0] * 40] * 5


def rows_of(x, y):
    rows = x.astype(np.float32)
    return rows, y.astype(np.int64), {"train": rows}, int(y.max()) + 1


@pytest.mark.parametrize("name", NAMES)
def test_classes_without_an_example_are_never_predicted(name):
    x, spec = np.random.default_rng(0).normal(size=(40, 3)), spec_of(name)
    data = LearnerData(*rows_of(x, np.where(x[:, 0] > 0, 2, 0)))
    found = list(replicate_rounds(spec, data, 0, range(1, 7)))
    assert found[0].scores["train"].shape == (40, 3)
    assert set(np.unique(classes(found, "train")).tolist()) == {0, 2}
    only = list(replicate_rounds(spec, LearnerData(*rows_of(x, np.full(40, 1))), 0, [1, 2]))
    assert classes(only, "train").tolist() == [[1] * 40] * 2
    assert only[0].stop.reason == "all its training examples have one class"


# what is recorded of the label


def test_quantities_of_the_label_are_those_of_its_probabilities(tensors):
    recording = {"probability": True, "error_norm": True}
    labels = tensors.labels["test"].numpy()
    found = epochs(spec_of("random-forest", recording=recording), tensors, 2)[-1]
    *_, last = replicate_rounds(spec_of("random-forest"), learner_data(tensors), 2, [N_ROUNDS])
    shares, rows = last.scores["test"], np.arange(len(labels))
    probability = found.of_label["probability"]["test"]
    np.testing.assert_allclose(probability, shares[rows, labels], atol=1e-3)
    shares = shares.copy()
    shares[rows, labels] -= 1
    expected = np.linalg.norm(shares, axis=1)
    np.testing.assert_allclose(found.of_label["error_norm"]["test"], expected, atol=2e-3)


def test_margins_are_differences_of_logits(tensors):
    recording = {"margin": True}
    found = epochs(spec_of("logistic-regression", recording=recording), tensors)[-1]
    margin, labels = found.of_label["margin"]["test"], tensors.labels["test"].numpy()
    np.testing.assert_array_equal(margin > 0, found.predictions["test"] == labels)


@pytest.mark.parametrize("entry", LEARNERS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("quantity", ["probability", "margin", "error_norm"])
def test_other_quantities_are_refused(entry, quantity):
    recording = {quantity: True}
    if quantity in entry.quantities:
        assert spec_of(entry.name, recording=recording).recording.of_label == (quantity,)
        return
    with pytest.raises(
        LearnOrderError, match=f"recording.{quantity} cannot be had of '{entry.name}'"
    ):
        spec_of(entry.name, recording=recording)


# specs


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"optimizer": {"name": "sgd"}}, "[optimizer]"),
        ({"optimizer": {}}, "[optimizer]"),
        ({"schedule": {"name": "constant"}}, "[schedule]"),
        ({"augmentation": {"flip": False}}, "[augmentation]"),
        ({"execution": {"width": 1}}, "[execution]"),
        ({"training": {"batch_size": 128}}, "training.batch_size"),
        ({"training": {"precision": "float32"}}, "training.precision"),
        ({"recording": {"early": "none"}}, "recording.early"),
        ({"recording": {"initial": False}}, "recording.initial"),
        ({"recording": {"batch_norm": "running"}}, "recording.batch_norm"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_keys_without_a_meaning_are_refused_even_at_their_defaults(tables, named):
    with pytest.raises(LearnOrderError) as caught:
        spec_of("k-nn", **tables)
    message = str(caught.value)
    assert f"{named} means nothing to 'k-nn'" in message
    assert "\n" not in message
    spec_of("linear", **tables)


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_spec_says_only_what_counts_and_can_be_read_again(name):
    spec = spec_of(name, recording={"every": 2})
    resolved = spec.resolved()
    tables = {"dataset", "extra", "labels", "architecture", "recording", "training"}
    assert set(resolved) == tables
    assert resolved["training"] == {"epochs": N_ROUNDS}
    again = TrainingSpec.from_tables(resolved)
    assert again.resolved() == resolved
    assert (
        again.identity("d")
        == spec.identity("d")
        == spec_of(name, epochs=2, recording={"every": 2}).identity("d")
    )
    assert "training.epochs" not in dict(identifying_choices(resolved))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("k-nn", {"weights": 3}, "'k-nn' has no option 'weights'"),
        ("linear-svm", {"c": 0.0}, "option 'c' of 'linear-svm' is 0.0. It is a number above 0"),
        ("linear-svm", {"c": True}, "It is a number above 0"),
        ("random-forest", {"min_samples_leaf": 0}, "a whole number of at least 1"),
        ("gradient-boosting", {"max_features": 1.5}, "max_features = 1.5"),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, message, tensors):
    with pytest.raises(LearnOrderError, match=message):
        epochs(spec_of(name, options=options), tensors)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch, tensors):
    def missing(name):
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn.ensemble")

    monkeypatch.setattr(replicates.importlib, "import_module", missing)
    with pytest.raises(ExtraMissing, match=r"'k-nn' needs scikit-learn.*learnorder\[train\]"):
        epochs(spec_of("k-nn"), tensors)


# inputs


def test_colour_images_are_read_where_they_lie():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 4, 5, 3)).astype(np.uint8)
    dataset = Dataset.from_arrays(pixels, np.arange(30) % 3, pixels[:7], np.arange(7) % 3)
    tensors = TrainingTensors.from_inputs(encode(dataset))
    rows = learner_data(tensors).splits["train"]
    assert rows.shape == (30, 60)
    assert np.shares_memory(rows, tensors.splits["train"].numpy())
    expected = tensors.splits["train"].numpy().transpose(0, 2, 3, 1).reshape(30, -1)
    np.testing.assert_array_equal(rows, expected)


def test_part_of_the_data_is_spread_over_it(data):
    part = data.share(0.1)
    np.testing.assert_array_equal(part.labels, data.labels[::10])
    np.testing.assert_array_equal(part.splits["test"], data.splits["test"][::10])


@pytest.mark.parametrize("name", ["k-nn", "adaboost-stumps"])
def test_the_probe_estimates_from_a_part(name, tensors, monkeypatch):
    from learnorder.training.learners import cost

    execution, found = probe(spec_of(name, 20), tensors, None)
    assert (execution.executor, execution.width) == ("sequential", 1)
    assert found.seconds > 0
    assert found.memory > 0
    monkeypatch.setattr(cost, "EXAMPLES", 15)
    seconds, share = estimate(spec_of(name, 20), tensors)
    assert share == pytest.approx(0.1)
    assert seconds > 0
