"""Measures of what is recorded of the label: probability, margin, error norm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, spearmanr
from tests.measures.logits import ARGUMENTS, logits_of, numbers_of

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import dynamics, tiles
from learnorder.measures.catalogue import find_measure
from learnorder.measures.split import UNDEFINED

EPOCHS = [0, 0.5, 1, 3]
N_CLASSES = 4
OF_PROBABILITY = (lo.confidence, lo.variability, lo.aleatoric, lo.jensen_shannon_label)
MEASURES = (*OF_PROBABILITY, lo.aum, lo.el2n)
QUANTITY = {**dict.fromkeys(OF_PROBABILITY, "probability"), lo.aum: "margin", lo.el2n: "error_norm"}


def with_logits(shape=(4, 4, 50), seed=0, epochs=EPOCHS, scale=1.0):
    """A log of random networks, and their logits and labels."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, N_CLASSES, shape[2])
    prediction = np.where(rng.random(shape) < 0.6, label, rng.integers(0, N_CLASSES, shape))
    logits = scale * logits_of(prediction, N_CLASSES, rng)
    log = lo.from_arrays(prediction, label, epochs=epochs, **numbers_of(logits, label))
    return log, logits, label


def plainly(logits, label):
    """Every measure in plain numpy from float64 logits ``(replicate, epoch, example, class_id)``.

    All epochs count.
    """
    given = numbers_of(logits, label)
    p = given["probabilities"]
    return {
        lo.confidence: p.mean((0, 1)),
        lo.variability: p.std(axis=1).mean(axis=0),
        lo.aleatoric: (p * (1 - p)).mean((0, 1)),
        lo.aum: given["margins"].mean((0, 1)),
        lo.el2n: given["error_norms"].mean((0, 1)),
    }


def test_values_are_those_of_the_definitions_but_for_half_precision():
    log, logits, label = with_logits()
    errors = dict.fromkeys(MEASURES, 0.00025)
    errors[lo.aum] = np.abs(numbers_of(logits, label)["margins"]).max() / 2048
    errors[lo.el2n] = 0.0005
    for measure, expected in plainly(logits[:, 1:], label).items():
        found = measure(log)
        assert (found.dims, found.name) == (("example",), measure.__name__)
        assert np.abs(found.values - expected).max() <= errors[measure] + 1e-12, measure


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0])
def test_values_are_exact_of_what_the_log_holds(scale):
    log, _, _ = with_logits(scale=scale)
    p, margin, norm = (
        log[quantity].values.astype(np.float64)[:, 1:]
        for quantity in ("probability", "margin", "error_norm")
    )
    np.testing.assert_allclose(lo.confidence(log), p.mean((0, 1)), rtol=1e-14)
    np.testing.assert_allclose(lo.variability(log), p.std(axis=1).mean(0), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(lo.aleatoric(log), (p * (1 - p)).mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(lo.aum(log), margin.mean((0, 1)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(lo.el2n(log), norm.mean((0, 1)), rtol=1e-14)


def test_confidence_is_accessibility_of_probability():
    log, _, _ = with_logits()
    np.testing.assert_array_equal(lo.confidence(log), lo.accessibility(log, of="probability"))


def test_el2n_at_given_epochs_is_the_mean_of_the_norms_there():
    log, _, _ = with_logits()
    norm = log["error_norm"].values.astype(np.float64)
    np.testing.assert_array_equal(lo.el2n(log, epochs=1), norm[:, 2].mean(0))
    np.testing.assert_array_equal(lo.el2n(log, epochs=0), norm[:, 0].mean(0))
    expected = norm[:, [1, 3]].mean((0, 1))
    np.testing.assert_allclose(lo.el2n(log, epochs=[3, 0.5, 3]), expected, rtol=1e-14)
    log["error_norm"].values[:, 3] = np.nan  # what does not count need not be there
    lo.el2n(log, epochs=[0.5, 1])


@pytest.mark.parametrize(
    ("epochs", "message"),
    [
        ([1, 2], r"^el2n: epoch 2 was not recorded\. Recorded are 0, 0\.5, 1, 3\."),
        ([], "no epoch is given"),
        (float("nan"), "epoch nan was not recorded"),
    ],
)
def test_epochs_that_were_not_recorded_are_refused(epochs, message):
    log, _, _ = with_logits()
    with pytest.raises(LearnOrderError, match=message):
        lo.el2n(log, epochs=epochs)


def test_el2n_is_a_norm_and_no_sum_of_squares():
    """All of the probability on one wrong class of two, or of three: the square root of 2."""
    label = np.array([0, 0])
    logits = np.array([[[[0.0, 60.0, 0.0], [0.0, 60.0, 60.0]]]])
    log = lo.from_arrays([[[1, 1]]], label, class_names=list("abc"), **numbers_of(logits, label))
    np.testing.assert_allclose(lo.el2n(log), [np.sqrt(2), np.sqrt(1.5)], atol=5e-4)


@pytest.mark.parametrize("epochs", ["x", ["a", 1], True])
def test_epochs_of_el2n_that_are_no_numbers_are_refused(epochs):
    log, *_ = with_logits()
    with pytest.raises(LearnOrderError, match=r"^el2n: epochs are .* They are numbers"):
        lo.el2n(log, epochs=epochs)


def test_probability_alone_does_not_give_el2n():
    """The same p of the label, other norms: what is left may be on one class or on all others."""
    label = np.zeros(2, dtype=int)
    logits = np.log([[[[0.4, 0.6, 1e-9, 1e-9], [0.4, 0.2, 0.2, 0.2]]]])
    log = lo.from_arrays([[[1, 0]]], label, class_names=list("abcd"), **numbers_of(logits, label))
    assert np.ptp(lo.confidence(log).values) == 0
    assert np.ptp(lo.el2n(log).values) > 0.1


def test_right_at_a_low_probability_is_right():
    """Correctness is that of the argmax, whose margin is positive, not p > 1/2."""
    label = np.array([0, 0])
    logits = np.log([[[[0.4, 0.35, 0.25], [0.35, 0.4, 0.25]]]])
    prediction = logits.argmax(-1)
    log = lo.from_arrays(prediction, label, class_names=list("abc"), **numbers_of(logits, label))
    assert lo.accessibility(log).values.tolist() == [1, 0]
    assert (lo.confidence(log) < 0.5).all()
    assert np.sign(lo.aum(log)).values.tolist() == [1, -1]


def test_margin_is_one_of_logits():
    """Logits and probabilities order these two examples differently."""
    label = np.array([0, 0])
    logits = np.array([[[[9.0, 0.0, 0.0], [9.5, 1.0, -50.0]]]])
    given = numbers_of(logits, label)
    log = lo.from_arrays([[[0, 0]]], label, class_names=list("abc"), **given)
    assert lo.aum(log).values.tolist() == [9, 8.5]
    soft = 2 * given["probabilities"] - 1
    assert soft[0, 0, 1] > soft[0, 0, 0] - 1e-4
    assert soft[0, 0, 0] < soft[0, 0, 1]


def test_directions_are_those_of_the_catalogue():
    """The easier an example, the sooner and the surer networks give it its label."""
    rng = np.random.default_rng(2)
    easy = np.linspace(-2, 4, 40)
    label = np.arange(40) % 3
    time = np.array([0.5, 1.0, 2.0, 3.0])[:, None]
    logits = rng.normal(0, 0.3, (6, 4, 40, 3))
    logits[..., np.arange(40), label] += easy * time
    log = lo.from_arrays(logits.argmax(-1), label, **numbers_of(logits, label))
    signs = {"higher is easier": 1, "lower is easier": -1}
    for name in ("accessibility", "confidence", "aum", "el2n"):
        row = find_measure(name)
        found = spearmanr(row.function(log), easy).statistic
        assert found * signs[row.direction] > 0.9, name


def test_one_replicate_splits_its_uncertainty_as_data_iq_does():
    """Mean p (1 - p) and the variance over epochs add up to c (1 - c), c the confidence."""
    log, _, _ = with_logits()
    alone = log.isel(replicate=[1])
    c = lo.confidence(alone).values
    total = lo.aleatoric(alone).values + lo.variability(alone).values ** 2
    np.testing.assert_allclose(total, c * (1 - c), rtol=1e-10)


def test_variability_is_over_epochs_and_not_over_replicates():
    constant = np.broadcast_to(np.array([0.1, 0.5, 0.9])[:, None, None], (3, 4, 5))
    log = lo.from_arrays(np.zeros((3, 4, 5), int), np.zeros(5, int), probabilities=constant)
    assert (lo.variability(log) == 0).all()
    half = np.broadcast_to(np.array([0.0, 1.0, 0.0, 1.0])[None, :, None], (3, 4, 5))
    log = lo.from_arrays(np.zeros((3, 4, 5), int), np.zeros(5, int), probabilities=half)
    assert (lo.variability(log) == 0.5).all()
    assert (lo.variability(log.isel(epoch=[1])) == 0).all()


def test_half_floats_that_never_change_have_no_variability():
    every = np.arange(0x3C01, dtype=np.uint16).view(np.float16)
    p = np.broadcast_to(every, (1, 7, len(every)))
    log = lo.from_arrays(np.zeros(p.shape, int), np.zeros(len(every), int), probabilities=p)
    assert (lo.variability(log) == 0).all()


def test_divergence_of_two_replicates_is_that_of_scipy():
    log, _, _ = with_logits((2, 3, 60), epochs=[1, 2, 3])
    p = log["probability"].values.astype(np.float64)
    two = np.stack([p, 1 - p])
    expected = jensenshannon(two[:, 0], two[:, 1], base=2) ** 2
    found = lo.jensen_shannon_label(log)
    assert found.dims == ("epoch", "example")
    np.testing.assert_allclose(found, expected, atol=1e-12)


def divergence(chances):
    """Jensen-Shannon divergence of ``(replicate, ..., class_id)`` in bits."""
    return entropy(chances.mean(0), base=2, axis=-1) - entropy(chances, base=2, axis=-1).mean(0)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_replicates=st.integers(2, 6),
    n_classes=st.integers(2, 5),
    sharpness=st.floats(0.05, 5),
)
def test_divergence_on_label_or_not_is_a_lower_bound(seed, n_replicates, n_classes, sharpness):
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(n_classes, sharpness), (n_replicates, 2, 10))
    label = rng.integers(0, n_classes, 10)
    p = np.take_along_axis(chances, label[None, None, :, None], -1)[..., 0]
    log = lo.from_arrays(
        chances.argmax(-1), label, probabilities=p, class_names=[str(k) for k in range(n_classes)]
    )
    found = lo.jensen_shannon_label(log).values
    assert (found >= 0).all()
    assert (found <= divergence(chances) + 0.004).all()
    if n_classes == 2:
        np.testing.assert_allclose(found, divergence(chances), atol=0.004)


def test_networks_sure_of_different_wrong_classes_do_not_differ_on_the_label():
    chances = np.array([[[[0, 1, 0.0]]], [[[0, 0, 1.0]]]])
    log = lo.from_arrays([[[1]], [[2]]], [0], probabilities=chances[..., 0])
    assert divergence(chances).item() == pytest.approx(1)
    assert lo.jensen_shannon_label(log).item() == 0


def test_half_precision_moves_a_divergence_by_no_more_than_documented():
    p = 1 - np.geomspace(1e-6, 0.5, 4000)
    both = np.stack([p, np.full_like(p, 0.999755)])[:, None]  # the second is farthest from a half
    log = lo.from_arrays(np.zeros(both.shape, int), np.zeros(4000, int), probabilities=both)
    exact = divergence(np.stack([both, 1 - both], axis=-1))
    assert np.abs(lo.jensen_shannon_label(log).values - exact).max() <= 0.003


def test_one_replicate_has_no_divergence():
    found = lo.jensen_shannon_label(with_logits((1, 4, 50))[0])
    assert found.isnull().all()
    reason = "a divergence compares replicates; there is 1 replicate"
    assert found.attrs[UNDEFINED] == dict.fromkeys((0.0, 0.5, 1.0, 3.0), reason)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
@pytest.mark.parametrize("chunk", [(1, 700), (3, 64), (4, 100)])
def test_no_value_depends_on_how_the_log_is_cut(lazy, monkeypatch, measure, chunk):
    log, _, _ = with_logits((5, 4, 700))
    whole = measure(log).values
    cut, array = lazy(log, chunk, QUANTITY[measure])
    monkeypatch.setattr(tiles, "READ_BYTES", 3000)
    monkeypatch.setattr(tiles, "MOST_READ_BYTES", 7000)
    monkeypatch.setattr(dynamics, "COLUMN_BYTES", 8000)
    np.testing.assert_array_equal(measure(cut).values, whole)
    sizes = [
        np.prod([len(np.arange(n)[k]) for n, k in zip(array.shape, read, strict=True)])
        for read in array.reads
    ]
    assert len(sizes) >= 3
    assert max(sizes) * 2 <= 7000  # bytes


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
def test_log_without_the_quantity_says_which_option_gives_it(measure):
    quantity = QUANTITY[measure]
    log = with_logits()[0].drop_vars(quantity)
    message = rf"^{measure.__name__}: the split 'test' has no .*recording\.{quantity} = true`"
    with pytest.raises(LearnOrderError, match=message) as raised:
        measure(log)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("measure", [*OF_PROBABILITY[:3], lo.aum, lo.el2n])
def test_epoch_0_alone_is_no_training(measure):
    log = with_logits((3, 1, 20), epochs=[0])[0]
    with pytest.raises(LearnOrderError, match=r"no epoch after training began .*\(epochs: 0\)"):
        measure(log)
    assert lo.el2n(log, epochs=0).shape == (20,)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.__name__)
def test_splits_without_labels_are_refused(measure):
    with pytest.raises(LearnOrderError, match="has no labels"):
        measure(lo.from_arrays([[[0, 1]]]))


@pytest.mark.parametrize(
    ("quantity", "value", "message"),
    [
        ("margin", np.nan, "the margin was not recorded"),
        ("margin", np.inf, r"the margin is beyond half precision, which ends at 65504"),
        ("margin", -np.inf, "is beyond half precision"),
        ("error_norm", np.nan, "the error norm was not recorded"),
        ("error_norm", 1.416, "is no error norm .* Error norms are numbers from 0 to the square"),
        ("error_norm", np.inf, "inf is no error norm"),
        ("probability", -np.inf, "-inf is no probability"),
    ],
)
def test_what_cannot_be_measured_is_named_with_its_place(quantity, value, message):
    log, _, _ = with_logits()
    log[quantity].values[2, 1, 7] = value
    (measure, *_) = [m for m, q in QUANTITY.items() if q == quantity]
    with pytest.raises(LearnOrderError, match=message) as raised:
        measure(log)
    assert "(for example: seed 2, epoch 0.5, example 7)" in str(raised.value)


def test_largest_values_of_half_precision_are_measured():
    largest = np.full((2, 2, 3), 65504.0)
    label = np.zeros(3, dtype=int)
    norms = np.full((2, 2, 3), np.sqrt(2))
    log = lo.from_arrays(
        np.zeros((2, 2, 3), int), label, margins=largest * [1, -1, 1], error_norms=norms
    )
    assert lo.aum(log).values.tolist() == [65504, -65504, 65504]
    np.testing.assert_allclose(lo.el2n(log), np.sqrt(2), atol=0.0005)


def test_measures_of_a_real_training_are_those_of_its_logits():
    """Three linear networks on digits; their logits by plain matrix products in float64."""
    from sklearn.datasets import load_digits

    from learnorder.training.data import TrainingTensors
    from learnorder.training.execution import Execution
    from learnorder.training.grid import recording_grid
    from learnorder.training.inputs import encode
    from learnorder.training.loop import Group, train_replicate

    images, labels = load_digits(return_X_y=True)
    data = lo.Dataset.from_arrays(images[:300], labels[:300], images[300:401], labels[300:401])
    recorded = dict.fromkeys(("probability", "margin", "error_norm"), True)
    spec = lo.TrainingSpec.from_tables(
        {
            "dataset": {"name": "arrays"},
            "architecture": {"name": "linear"},
            "training": {"epochs": 3, "batch_size": 32},
            "recording": recorded,
        }
    )
    tensors = TrainingTensors.from_inputs(encode(data))
    inputs = tensors.flat["test"].double().numpy()
    grid, execution = recording_grid(spec, tensors.n_train), Execution("grouped", 4)
    group, logits, votes = Group(spec, tensors, [0, 1, 2], execution), [], []
    for point in grid:
        votes.append([record.predictions["test"] for record in group.advance_to(point)])
        weights = [group.states()[seed].arrays for seed in range(3)]
        logits.append([inputs @ linear(w, "weight").T + linear(w, "bias") for w in weights])
    logits = np.array(logits).swapaxes(0, 1)
    assert (np.array(votes).swapaxes(0, 1) == logits.argmax(-1)).all()
    records = [list(train_replicate(spec, tensors, seed, execution)) for seed in range(3)]
    arrays = {
        ARGUMENTS[quantity]: [[r.of_label[quantity]["test"] for r in of_one] for of_one in records]
        for quantity in recorded
    }
    log = lo.from_arrays(logits.argmax(-1), labels[300:401], **arrays)
    for measure, expected in plainly(logits, labels[300:401]).items():
        most = 0.0005 if measure is not lo.aum else np.abs(logits).max() / 1024
        np.testing.assert_allclose(measure(log), expected, atol=most)
    assert np.corrcoef(lo.aum(log), lo.confidence(log))[0, 1] > 0.5


def linear(arrays, what):
    """Weights of the only layer, in float64."""
    (found,) = [a for name, a in arrays.items() if name.startswith("network/") and what in name]
    return np.asarray(found, dtype=np.float64)
