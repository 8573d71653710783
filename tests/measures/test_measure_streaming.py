"""Measures go through a log part by part: the same values however it is cut, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from inspect import signature
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnorder.comparison import gather, overlap
from learnorder.comparison.compare import compare
from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import (
    _arrays,
    _kernels,
    agreement,
    ensemble,
    jeffreys,
    learning,
    moments,
    nulls,
    order,
    pairs,
    scores,
    sweep,
    tiles,
)
from learnorder.measures.scores import ScoreTable
from learnorder.measures.split import UNDEFINED, read_split
from learnorder.measures.summary import summarise
from learnorder.measures.tiles import read_shape


@contextmanager
def limits(read, most, plane, by_class=None, table=None, block=None, group=None):
    """Budgets so small that even a small log is cut."""
    small = {
        (tiles, "READ_BYTES"): read,
        (tiles, "MOST_READ_BYTES"): most,
        (tiles, "PLANE"): plane,
        (_kernels, "BLOCK"): max(1, plane // 2),
        (tiles, "GROUP_BYTES"): group or read,
        (moments, "PART"): plane,
        (overlap, "PART"): plane,
        (gather, "BLOCK"): block,
        (sweep, "CLASS_BYTES"): by_class,
        (scores, "TABLE_BYTES"): table,
        (scores, "COLUMN_BYTES"): table,
        (scores, "BLOCK"): block,
    }
    small = {place: value for place, value in small.items() if value is not None}
    before = {(module, name): getattr(module, name) for module, name in small}
    try:
        for (module, name), value in small.items():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


SIZES = (
    # replicates, epochs, examples, classes
    (st.integers(1, 9), 5, 60, st.sampled_from([1, 2, 3, 10, 20])),
    (st.integers(1, 9), 3, 20, st.sampled_from([255, 256, 1000, 65_535, 70_000])),
    (st.sampled_from([40, 255, 256, 300]), 2, 20, st.sampled_from([2, 10, 300])),
)


@st.composite
def cut_logs(draw):
    """Arguments of a log, the chunk it is stored in, and budgets."""
    n_replicates, n_epochs, n_examples, n_classes = draw(st.sampled_from(SIZES))
    shape = (
        draw(n_replicates),
        draw(st.integers(1, n_epochs)),
        draw(st.integers(1, n_examples)),
    )
    seed, first_epoch = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from([0.0, 0.5]))
    chunk = (draw(st.integers(1, 6)), draw(st.integers(1, 70)))
    row = shape[0] * 2
    read = row * draw(st.integers(1, 150))
    budget = {
        "read": read,
        "most": read + row * draw(st.integers(0, 150)),
        "plane": draw(st.integers(4, 200)),
        "by_class": draw(st.sampled_from([1, 5_000, 1 << 28])),
        "table": draw(st.sampled_from([0, 64, 1 << 28])),
        "block": shape[0] * draw(st.integers(1, 40)),
        "group": draw(st.integers(1, 2 * read)),
    }
    return (shape, draw(n_classes), seed, first_epoch), chunk, budget


LEARNING = ("first_learned", "stably_learned", "forgetting_events", "never_learned")
OF_SHARES = (
    "difficulty",
    "kohavi_wolpert",
    "kuncheva_entropy",
    "generalised_diversity",
    "coincident_failure_diversity",
    "trivial_share",
    "impossible_share",
    "jaccard_correct",
)
ENSEMBLE = ("vote_entropy", "ambiguity", *OF_SHARES)


def everything(log):
    """Every measure of a log as arrays; what is undefined is NaN."""
    found = {
        "tp_agreement": agreement.tp_agreement(log),
        "agreement": agreement.agreement(log),
        "mean_agreement": agreement.mean_agreement(log),
        "accuracy": agreement.accuracy(log),
        "accuracy_by_class": agreement.accuracy_by_class(log),
        "bimodality": agreement.bimodality(log),
        "null": agreement.bimodality_null(log, "class-conditional"),
        "null of accuracies": agreement.bimodality_null(log, "unequal-accuracy"),
        "shares": nulls.tp_agreement_null(log),
        "shares by class": nulls.tp_agreement_null(log, "class-conditional"),
        "interval of examples": jeffreys.tp_agreement_interval(log),
        "kappa": agreement.fleiss_kappa(log),
        "kappa of predictions": agreement.fleiss_kappa(log, "prediction"),
        "interval": agreement.fleiss_kappa_interval(log),
        "interval of predictions": agreement.fleiss_kappa_interval(log, "prediction"),
        "discrepancy": pairs.discrepancy(log),
        "cohen": pairs.pairs(log, "cohen_kappa"),
        "corrected": pairs.pairs(log, "corrected_disagreement"),
    }
    found |= {name: getattr(ensemble, name)(log) for name in ENSEMBLE}
    if (log["epoch"].values > 0).any():
        found["accessibility"] = order.accessibility(log)
        found["by time"] = order.accessibility(log, "time")
        found["interval of accessibility"] = jeffreys.accessibility_interval(log)
        found["scores"] = order.accessibility_per_replicate(log)
        found["scores by time"] = order.accessibility_per_replicate(log, "time")
        found |= {name: getattr(learning, name)(log) for name in LEARNING}
    return found


def flat(summary):
    """Numbers of a summary by where they stand, and the reasons."""
    numbers, reasons = [], []
    by_stage = summary["order"]["by_stage"] or ()
    for part in (summary["order"], *by_stage, *summary["per_epoch"]):
        for name, value in part.items():
            if name not in ("undefined", "by_stage"):
                numbers += [np.nan if value is None else v for v in np.ravel(value)]
        reasons.append(part["undefined"])
    return np.array(numbers, dtype=float), [*reasons, summary["notes"]]


@settings(deadline=None, max_examples=15)
@given(case=cut_logs())
def test_values_do_not_depend_on_how_a_log_is_cut(lazy, random_log, case):
    arguments, chunk, budget = case
    log = random_log(*arguments)
    whole, summary = everything(log), flat(summarise(log))
    cut, _ = lazy(log, chunk)
    with limits(**budget):
        parts, again = everything(cut), flat(summarise(cut))
    for name, expected in whole.items():
        np.testing.assert_allclose(parts[name], expected, rtol=1e-9, atol=1e-12, err_msg=name)
        assert parts[name].attrs.get(UNDEFINED) == expected.attrs.get(UNDEFINED)
    np.testing.assert_allclose(again[0], summary[0], rtol=1e-7, atol=1e-10)
    assert again[1] == summary[1]
    for exact in ("tp_agreement", "agreement", "accuracy", "scores", *LEARNING, *ENSEMBLE):
        if exact in whole:
            np.testing.assert_array_equal(parts[exact], whole[exact])


@settings(deadline=None, max_examples=15)
@given(case=cut_logs())
def test_values_are_those_of_the_definitions(lazy, random_log, case):
    arguments, chunk, budget = case
    log = random_log(*arguments)
    prediction, label = log["prediction"].values, log["label"].values
    votes = np.unique(prediction, return_inverse=True)[1].reshape(prediction.shape)
    cut, _ = lazy(log, chunk)
    with limits(**budget):
        found = everything(cut)
    expected = {
        "tp_agreement": _arrays.tp_agreement(prediction, label),
        "agreement": _arrays.agreement(votes, votes.max() + 1),
        "accuracy": _arrays.accuracy(prediction, label),
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    used = np.flatnonzero(log["epoch"].values > 0)
    for name, weight in (
        ("scores", np.ones(len(used))),
        ("scores by time", np.diff(log["epoch"].values[used], prepend=0.0)),
    ):
        if len(used):
            plain = _arrays.accessibility(prediction[:, used], label, weight)
            np.testing.assert_allclose(found[name], plain, rtol=1e-12, atol=1e-15)
    for e, epoch in enumerate(log["epoch"].values):
        right = prediction[:, e] == label
        for name, cast, n in (("kappa", right, 2), ("kappa of predictions", votes[:, e], None)):
            if float(epoch) not in found[name].attrs[UNDEFINED]:
                plain = _arrays.fleiss_kappa(cast, n or votes.max() + 1)
                assert float(found[name][e]) == pytest.approx(plain, abs=1e-9)
        if float(epoch) not in found["bimodality"].attrs[UNDEFINED]:
            plain = _arrays.bimodality(right.mean(axis=0))
            assert float(found["bimodality"][e]) == pytest.approx(plain, rel=1e-7, abs=1e-9)
        if float(epoch) not in found["null"].attrs[UNDEFINED]:
            share = np.bincount(label) / len(label)
            by_class = found["accuracy_by_class"].values[:, e, : len(share)]
            plain = _arrays.bimodality_null_class(by_class, share)
            assert float(found["null"][e]) == pytest.approx(plain, rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=15)
@given(case=cut_logs())
def test_learning_is_that_of_the_definitions(lazy, random_log, case):
    arguments, chunk, budget = case
    log = random_log(*arguments)
    used = log["epoch"].values > 0
    if not used.any():
        return
    prediction, label = log["prediction"].values[:, used], log["label"].values
    epochs = log["epoch"].values[used]
    cut, _ = lazy(log, chunk)
    with limits(**budget):
        found = {name: getattr(learning, name)(cut) for name in LEARNING}
    expected = {
        "first_learned": _arrays.first_learned(prediction, label, epochs),
        "stably_learned": _arrays.stably_learned(prediction, label, epochs),
        "forgetting_events": _arrays.forgetting_events(prediction, label),
        "never_learned": _arrays.never_learned(prediction, label),
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@settings(deadline=None, max_examples=15)
@given(case=cut_logs())
def test_diversity_is_that_of_the_definitions(lazy, random_log, case):
    arguments, chunk, budget = case
    log = random_log(*arguments)
    prediction, label = log["prediction"].values, log["label"].values
    votes = np.unique(prediction, return_inverse=True)[1].reshape(prediction.shape)
    cut, _ = lazy(log, chunk)
    with limits(**budget):
        found = {name: getattr(ensemble, name)(cut) for name in ENSEMBLE}
    np.testing.assert_array_equal(found["ambiguity"], _arrays.ambiguity(prediction))
    entropy = _arrays.vote_entropy(votes, votes.max() + 1)
    np.testing.assert_allclose(found["vote_entropy"], entropy, rtol=1e-12, atol=1e-14)
    shares = _arrays.tp_agreement(prediction, label)
    for name, (e, epoch) in product(OF_SHARES, enumerate(log["epoch"].values)):
        if float(epoch) not in found[name].attrs[UNDEFINED]:
            definition = getattr(_arrays, name)
            asks = "n_replicates" in signature(definition).parameters
            plain = definition(shares[e], len(prediction)) if asks else definition(shares[e])
            assert float(found[name][e]) == pytest.approx(plain, rel=1e-9, abs=1e-12), name


COMPARED = ("pearson", "spearman", "kendall", "noise_ceiling", "spearman_halves_a", "pearson_ci")


def numbers(record):
    """All numbers at any depth, in order; what is undefined is NaN."""
    if isinstance(record, dict):
        record = [value for key, value in record.items() if key != "undefined"]
    if isinstance(record, list):
        return [number for value in record for number in numbers(value)]
    return [] if isinstance(record, str) else [np.nan if record is None else record]


@settings(deadline=None, max_examples=25)
@given(case=cut_logs(), other=cut_logs(), clock=st.sampled_from(["epoch", "accuracy", "progress"]))
def test_a_comparison_does_not_depend_on_how_logs_are_cut(lazy, random_log, case, other, clock):
    (shape, n_classes, seed, _), chunk, budget = case
    logs = {"a": random_log(shape, n_classes, seed, 0.5)}
    rng = np.random.default_rng(seed)
    changed = logs["a"].copy(deep=True)
    moved = rng.permutation(shape[2])
    changed["prediction"].values[1:] = changed["prediction"].values[1:, :, moved]
    logs["b"] = changed
    expected = compare(logs, clock).to_dict()
    cut = {
        name: lazy(log, part)[0]
        for (name, log), part in zip(logs.items(), (chunk, other[1]), strict=True)
    }
    with limits(**budget):
        found = compare(cut, clock).to_dict()
    assert found["notes"] == expected["notes"]
    assert found["levels"] == expected["levels"]
    shared = "share replicates (the same predictions for seeds 0"
    first = logs["a"]["prediction"].values[0][logs["a"]["epoch"].values > 0]
    told = np.ptp(first) > 0 and (first != logs["a"]["label"].values).any()
    assert any(shared in note for note in found["notes"]) == told
    for part, whole in zip(found["pairs"], expected["pairs"], strict=True):
        assert part["undefined"].keys() == whole["undefined"].keys()
        for name in COMPARED:
            if name not in whole["undefined"]:
                assert part[name] == pytest.approx(whole[name], rel=1e-6, abs=1e-9)
        for name in ("containment", "late_gains"):
            np.testing.assert_allclose(*map(numbers, (part[name], whole[name])), rtol=1e-6)
            assert part[name]["undefined"] == whole[name]["undefined"]


def overlaps(read, chunk, shape):
    """Chunks that a read touches."""
    replicates, epochs, examples = (
        range(n)[k] if isinstance(k, slice) else np.arange(n)[k]
        for n, k in zip(shape, read, strict=True)
    )
    rows, columns = {e // chunk[0] for e in epochs}, {x // chunk[1] for x in examples}
    return set(product(replicates, rows, columns))


@pytest.mark.parametrize("chunk", [(1, 90), (7, 16), (3, 40), (7, 90), (100, 1000)])
@pytest.mark.parametrize("measure", [summarise, agreement.tp_agreement, order.reliability])
def test_no_chunk_is_decoded_twice_while_a_column_of_chunks_fits(lazy, random_log, measure, chunk):
    log = random_log((4, 7, 90), 5)
    cut, array = lazy(log, chunk)
    with limits(read=700, most=10_000, plane=50):
        measure(cut)
    touched = [part for read in array.reads for part in overlaps(read, chunk, array.shape)]
    assert len(touched) == len(set(touched)) == 4 * -(-7 // chunk[0]) * -(-90 // chunk[1])


def test_small_chunks_are_read_many_at_once_and_large_ones_in_parts():
    shape = (20, 50, 1_280_000)
    assert read_shape(shape, 2, (1, 1_280_000), shape[2]) == (1, 1_280_000)
    assert read_shape(shape, 2, (50, 8192), shape[2]) == (50, 4 * 8192)
    many = (1000, 100, 60_000)
    for chunk in ((1, 60_000), (100, 8192)):
        epochs, examples = read_shape(many, 1, chunk, many[2])
        assert epochs == 1 or examples < 8192
        assert 1000 * epochs * examples <= 256 << 20


def test_a_log_is_not_kept_in_memory_by_measuring_it(lazy, random_log):
    cut, array = lazy(random_log((3, 4, 30), 3), (1, 30))
    summarise(cut)
    agreement.tp_agreement(cut)
    read = len(array.reads)
    agreement.tp_agreement(cut)
    assert len(array.reads) > read


def test_selecting_keeps_what_is_known_about_chunks(lazy, random_log):
    cut, array = lazy(random_log((3, 6, 64), 3, first_epoch=0.5), (6, 16))
    part = cut.sel(epoch=cut["epoch"].values[[0, 2, 5]]).isel(replicate=[0, 2])
    with limits(read=200, most=10_000, plane=50):
        order.reliability(part)
    assert [(read[2].start, read[2].stop) for read in array.reads] == [(0, 32), (32, 64)]


@pytest.mark.parametrize("value", [None, "x", {}, {"epoch": 0, "example": 3}, {"epoch": 1.5}])
def test_odd_notes_about_chunks_change_nothing(random_log, value):
    log = random_log((3, 2, 20), 3)
    odd = log.copy()
    odd["prediction"].encoding["preferred_chunks"] = value
    np.testing.assert_array_equal(agreement.tp_agreement(odd), agreement.tp_agreement(log))


@pytest.mark.parametrize("chunk", [(1, 50), (4, 10)])
@pytest.mark.parametrize("value", [255, 7])
def test_what_is_no_class_is_named_wherever_it_lies(lazy, chunk, value):
    label = np.arange(50) % 5
    log = from_arrays(
        np.broadcast_to(label, (3, 4, 50)), label, seeds=[3, 5, 9], epochs=[0, 1, 2, 4]
    )
    log["prediction"].values[1, 2, 47] = value
    cut, _ = lazy(log, chunk)
    what = "not recorded" if value == 255 else "prediction 7 is no class"
    with (
        limits(read=100, most=100, plane=7),
        pytest.raises(
            LearnOrderError, match=rf"{what} \(for example: seed 5, epoch 2, example 47\)"
        ),
    ):
        summarise(cut)


@pytest.mark.parametrize("n_replicates", range(3, 14))
def test_identical_replicates_are_recognised_whatever_their_number(n_replicates):
    rng = np.random.default_rng(0)
    label = np.zeros(5000, dtype=int)
    same = np.broadcast_to(rng.integers(0, 2, (1, 6, 5000)), (n_replicates, 6, 5000))
    found = order.reliability(from_arrays(same, label))
    assert found.value == 1
    assert "order the examples alike" in found.undefined["ci"]


def test_a_table_in_a_file_is_the_table_in_memory():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 200, (5, 77)).astype(np.uint8)
    kept = ScoreTable(5, 77, np.dtype(np.uint8), 200.0)
    with limits(1, 1, 1, table=64, block=30):
        filed = ScoreTable(5, 77, np.dtype(np.uint8), 200.0)
        assert filed.most_examples == 12
        for table in (kept, filed):
            for start in range(0, 77, 12):
                column = slice(start, min(start + 12, 77))
                table.column(column)[...] += values[:, column]
                table.column(column)[...] += 0
        np.testing.assert_array_equal(filed.array(), values / 200)
        np.testing.assert_array_equal(filed.means([1, 4]), kept.means([1, 4]))
        blocks = [(where.start, block.shape) for where, block in filed.blocks()]
    assert blocks[:2] == [(0, (5, 6)), (6, (5, 6))]
    np.testing.assert_array_equal(kept.array(), values / 200)


def test_replicates_are_counted_in_groups_that_keep_the_readers_busy(lazy, random_log):
    assert tiles.count_shape((100, 100, 60_000), 1, (100, 8192)) == (40, 100, 8192)
    assert tiles.count_shape((20, 50, 1_280_000), 2, (1, 1_280_000)) == (13, 1, 1_280_000)
    assert tiles.count_shape((20, 50, 14_000_000), 2, (1, 14_000_000)) == (2, 1, 14_000_000)
    assert tiles.count_shape((3, 5, 100), 1, (1, 100)) == (3, 1, 100)
    log = random_log((19, 3, 40), 4)
    cut, array = lazy(log, (1, 40))
    with limits(read=800, most=10_000, plane=13, group=1):
        found = agreement.tp_agreement(cut)
    np.testing.assert_array_equal(found, agreement.tp_agreement(log))
    assert {len(range(*read[0].indices(19))) for read in array.reads} == {8, 3}


@pytest.mark.parametrize(("value", "what"), [(255, "not recorded"), (7, "prediction 7 is no")])
@pytest.mark.parametrize("measure", [agreement.tp_agreement, order.accessibility])
def test_what_is_no_class_in_the_last_group_names_its_own_seed(lazy, measure, value, what):
    label = np.arange(50) % 5
    seeds = [3, 5, 9, 11, 20]
    log = from_arrays(np.broadcast_to(label, (5, 3, 50)), label, seeds=seeds, epochs=[1, 2, 4])
    log["prediction"].values[4, 2, 47] = value
    cut, array = lazy(log, (1, 50))
    with (
        limits(read=100, most=100, plane=7, group=100),
        pytest.raises(LearnOrderError, match=f"{what}.*: seed 20, epoch 4, example 47"),
    ):
        measure(cut)
    assert {len(range(*read[0].indices(5))) for read in array.reads} == {2, 1}


def test_one_pass_counts_alike_with_weights_that_are_equal_and_that_are_not(random_log):
    log = random_log((7, 6, 300), 4)
    split = read_split(log, "test")
    expected = (log["prediction"].values == log["label"].values).sum(axis=0)
    for weight in (np.r_[0.0, np.ones(5)], np.r_[0.0, np.full(5, 0.25)], np.arange(6.0)):
        found = sweep.WeightedTp(split, weight)
        sweep.sweep_counts(split, found)
        np.testing.assert_allclose(found.total, weight @ expected, rtol=1e-13)


SYMMETRIC = np.zeros((4, 1, 12), dtype=bool)
for replicate in range(4):
    SYMMETRIC[replicate, 0, 3 * replicate : 3 * replicate + 3] = True


@pytest.mark.parametrize("repeats", [1, 7, 80])
@pytest.mark.parametrize("width", [1, 5, 11, 128, 1 << 21])
def test_rounding_is_no_order_however_scores_are_gone_through(repeats, width):
    """Means that do not differ, and orders without any covariance, whatever the sums round to."""
    n = 12 * repeats
    shuffle = np.random.default_rng(repeats).permutation(n)
    alone = np.tile(SYMMETRIC, repeats)[..., shuffle]
    # Three replicates, each right on half of what any other is right on.
    crossed = np.stack([np.arange(8 * repeats) >> k & 1 for k in range(3)])[:, np.newaxis]
    label = np.zeros(n, dtype=int)
    one = from_arrays(np.where(alone, 0, 1), label)
    other = from_arrays(crossed, label[: 8 * repeats])
    with limits(1 << 20, 1 << 20, 1 << 10, block=width):
        found = order.reliability(one)
        pair = compare({"a": one, "b": one}).pairs[0]
        again = other.assign_coords(replicate=[3, 4, 5])
        crossing = compare({"a": other, "b": again}).pairs[0]
        alpha = order.reliability(other).value
    assert "does not differ between examples" in found.undefined["value"]
    assert "does not differ between examples" in pair.undefined["pearson"]
    assert alpha == 0
    assert "no shared order to correct for" in crossing.undefined["corrected"]


MEASURE_A_LARGE_LOG = """
import json, re, sys
from pathlib import Path
import numpy as np, xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from learnorder.measures.summary import summarise
from learnorder.schema import DIMS, prediction_dtype

shape, n_classes, chunk = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
label = rng.integers(0, n_classes, shape[2])
dtype = prediction_dtype(n_classes)
votes = np.where(rng.random((8, shape[2])) < rng.random(shape[2]), label, 0).astype(dtype)

class Made(BackendArray):
    shape, dtype = tuple(shape), np.dtype(dtype)
    def __getitem__(self, key):
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self.read)
    def read(self, key):
        replicates, epochs, examples = (np.arange(n)[k] for n, k in zip(self.shape, key))
        out = np.empty((len(replicates), len(epochs), len(examples)), self.dtype)
        for i, r in enumerate(replicates):
            out[i] = votes[(r + epochs) % 8, examples[0]:examples[-1] + 1]
        return out

lazy = indexing.MemoryCachedArray(indexing.CopyOnWriteArray(indexing.LazilyIndexedArray(Made())))
coords = {dim: np.arange(n) for dim, n in zip(DIMS, shape)}
log = xr.Dataset({"prediction": (DIMS, lazy), "label": ("example", label)}, coords,
                 {"n_classes": n_classes})
log["prediction"].encoding["preferred_chunks"] = dict(zip(DIMS, (1, *chunk)))
found = summarise(log)
accuracy = [(votes[e % 8] == label).mean() for e in range(8)]
assert abs(found["per_epoch"][0]["accuracy_mean"] - np.mean(
    [accuracy[r % 8] for r in range(shape[0])])) < 1e-9
# ru_maxrss would begin with the peak of whoever started this process
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10)
"""

LARGE = {
    "a hundred replicates": ((100, 40, 60_000), 10),
    "many examples and classes": ((20, 8, 1_280_000), 1000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("compacted", [False, True], ids=["chunk per epoch", "compacted"])
@pytest.mark.parametrize(
    "name",
    ["a hundred replicates", pytest.param("many examples and classes", marks=pytest.mark.slow)],
)
def test_a_large_log_is_summarised_in_little_memory(name, compacted):
    shape, n_classes = LARGE[name]
    chunk = (shape[1], 8192) if compacted else (1, shape[2])
    arguments = json.dumps([shape, n_classes, chunk])
    done = subprocess.run(
        [sys.executable, "-c", MEASURE_A_LARGE_LOG, arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 512 << 20
