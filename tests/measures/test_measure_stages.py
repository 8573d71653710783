"""Reliability by stage of training: each stage by itself, in one pass over the log."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import scores
from learnorder.measures.summary import summarise
from learnorder.measures.values import measure_values, value_rows

NAMES = ("value", "ci", "within_class", "within_class_ci")


def log_of(n_epochs, epochs=None, n_replicates=5, n_examples=60, shared=None, seed=0):
    """``shared[e]`` is how much replicates share of the order at an epoch."""
    rng = np.random.default_rng(seed)
    label = np.arange(n_examples) % 3
    shared = np.ones(n_epochs) if shared is None else np.asarray(shared)
    shape = (n_replicates, n_epochs, n_examples)
    known = shared[:, None] * rng.normal(size=n_examples) + rng.normal(size=shape)
    return lo.from_arrays(np.where(known > 0, label, (label + 1) % 3), label, epochs=epochs)


@settings(deadline=None, max_examples=30)
@given(
    n_epochs=st.integers(1, 12),
    n_stages=st.integers(1, 6),
    first=st.sampled_from([0.0, 0.5]),
    n_replicates=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_a_stage_is_the_reliability_of_its_epochs(n_epochs, n_stages, first, n_replicates, seed):
    epochs = [first, *range(1, n_epochs)]
    log = log_of(n_epochs, epochs, n_replicates, seed=seed)
    recorded = [float(e) for e in epochs if e > 0]
    if not recorded:
        with pytest.raises(LearnOrderError, match="no epoch after training began"):
            lo.reliability_by_stage(log, n_stages)
        return
    found = lo.reliability_by_stage(log, n_stages)
    if len(recorded) < n_stages:
        assert found.stages is None
        assert f"need {n_stages} recorded epochs > 0" in found.undefined["stages"]
        return
    sizes = [stage.n_epochs for stage in found.stages]
    assert len(sizes) == n_stages
    assert sum(sizes) == len(recorded)
    assert max(sizes) - min(sizes) <= 1
    start = 0
    for stage in found.stages:
        part = recorded[start : start + stage.n_epochs]
        assert (stage.first, stage.last) == (part[0], part[-1])
        alone = lo.reliability(log.sel(epoch=part))
        assert stage.reliability.undefined == alone.undefined
        for name in NAMES:
            value, expected = getattr(stage.reliability, name), getattr(alone, name)
            assert value == (expected and pytest.approx(expected, rel=1e-12))
        start += stage.n_epochs


def test_one_stage_is_the_whole():
    log = log_of(5)
    (stage,) = lo.reliability_by_stage(log, 1).stages
    assert stage.reliability == lo.reliability(log)


def test_an_order_that_is_shared_late_is_found_late():
    log = log_of(9, n_examples=400, shared=[0, 0, 0, 0.3, 0.3, 0.3, 2, 2, 2])
    early, middle, late = (s.reliability for s in lo.reliability_by_stage(log).stages)
    assert early.ci[0] < 0 < early.ci[1]
    assert early.value < middle.value < late.value
    assert late.ci[0] > 0.9


def test_stages_are_read_in_one_pass_however_the_log_is_cut(lazy, random_log, monkeypatch):
    log = random_log((4, 9, 70), 5, first_epoch=0.5)
    expected = lo.reliability_by_stage(log).to_dict()
    for table_bytes in (scores.TABLE_BYTES, 64):
        monkeypatch.setattr(scores, "TABLE_BYTES", table_bytes)
        monkeypatch.setattr(scores, "COLUMN_BYTES", 16 * 70 if table_bytes == 64 else 1 << 20)
        for chunk in ((1, 70), (4, 16), (9, 70)):
            cut, array = lazy(log, chunk)
            assert lo.reliability_by_stage(cut).to_dict() == expected
            n_read = sum(
                np.prod([len(range(n)[k]) for n, k in zip(array.shape, key, strict=True)])
                for key in array.reads
            )
            assert n_read == np.prod(array.shape)


def test_all_right_in_a_stage_leaves_it_without_an_order():
    right = np.tile(np.arange(30) % 3, (4, 6, 1))
    wrong = np.random.default_rng(1).random((4, 4, 30)) < 0.5
    right[:, :4][wrong] = 5
    names = list("abcdef")
    log = lo.from_arrays(right, np.arange(30) % 3, class_names=names)
    *_, last = lo.reliability_by_stage(log).stages
    assert last.reliability.value is None
    assert "there is no order" in last.reliability.undefined["value"]


@pytest.mark.parametrize("n_stages", [0, -1, 1.5, True, "3", None])
def test_what_is_no_number_of_stages_is_refused(n_stages):
    with pytest.raises(LearnOrderError, match=r"^reliability_by_stage: there cannot be .* stages"):
        lo.reliability_by_stage(log_of(3), n_stages)


def test_a_split_without_labels_is_refused():
    with pytest.raises(LearnOrderError, match=r"^reliability_by_stage: the split"):
        lo.reliability_by_stage(lo.from_arrays(np.zeros((3, 3, 4), dtype=int)))


@pytest.mark.parametrize("n_epochs", [2, 7])
def test_json_and_the_summary_say_the_same(n_epochs):
    log = log_of(n_epochs, [0, *range(1, n_epochs)])
    found = lo.reliability_by_stage(log).to_dict()
    order = json.loads(json.dumps(summarise(log), allow_nan=False))["order"]
    assert order["by_stage"] == found["stages"]
    if n_epochs == 2:
        assert order["undefined"]["by_stage"] == found["undefined"]["stages"]
        return
    assert [stage["epochs"] for stage in found["stages"]] == [[1, 2], [3, 4], [5, 6]]
    for stage in found["stages"]:
        assert {k for k, v in stage.items() if v is None} == set(stage["undefined"])
    (row,) = value_rows(measure_values(log, ["reliability_by_stage"]))
    assert row["stage_2_first_epoch"] == 3
    assert row["stage_3_reliability"] == found["stages"][2]["reliability"]
    assert row["stage_1_reliability_low"] == found["stages"][0]["reliability_ci"][0]


def test_a_log_without_enough_epochs_has_a_row_that_says_so():
    values = measure_values(log_of(2), ["reliability_by_stage"])
    (row,) = value_rows(values)
    assert row["stages"] is None
    assert "3 stages of training need 3 recorded epochs > 0; there are 2" in row["undefined"]
