"""How many more replicates a reliability takes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures.order import Reliability
from learnorder.measures.planning import MIN_REPLICATES, needed_for, spearman_brown

NAMES = ("reliability", "reliability_ci", "more", "more_ci", "more_for_low")


def found(value, ci, n_replicates=10):
    undefined = {} if ci else {"ci": "no spread to estimate"}
    return Reliability(value, ci, None, None, n_replicates, undefined)


def log_of(n_replicates, noise=1.0, n_examples=400, seed=0):
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=n_examples)
    own = ease + noise * rng.normal(size=(n_replicates, 1, n_examples))
    right = own + np.linspace(-1, 1, 8)[None, :, None] > 0
    labels = np.arange(n_examples) % 3
    return lo.from_arrays(np.where(right, labels, (labels + 1) % 3), labels)


@given(
    value=st.floats(0.01, 0.999), target=st.floats(0.01, 0.999), n_replicates=st.integers(5, 200)
)
def test_the_number_is_the_smallest_that_spearman_and_brown_find_enough(
    value, target, n_replicates
):
    more = needed_for(found(value, (value - 0.005, value + 0.0005), n_replicates), target).more
    after = spearman_brown(value, n_replicates, n_replicates + more)
    assert after >= target * (1 - 1e-6)
    if more > 0:
        assert spearman_brown(value, n_replicates, n_replicates + more - 1) < target


def test_hand_computed_number():
    # One replicate has 0.5 (s = 1): 10 have 10/11, and 0.95 takes 19.
    needed = needed_for(found(10 / 11, (0.8, 0.95)), 0.95)
    assert (needed.more, needed.more_ci) == (9, (0, 38))


@given(
    value=st.floats(0.05, 0.99),
    below=st.floats(0.001, 0.3),
    target=st.floats(0.05, 0.99),
    n_replicates=st.integers(5, 100),
)
def test_the_lower_end_takes_no_fewer_than_the_estimate(value, below, target, n_replicates):
    needed = needed_for(found(value, (value - below, value + 0.001), n_replicates), target)
    assert needed.more_for_low >= needed.more
    if value - below >= target:
        assert needed.more_for_low == 0


def test_planned_replicates_bring_about_the_reliability_that_was_planned():
    """Plan from 6 of 200 replicates; the next ones have the reliability that was foreseen."""
    whole = log_of(200, noise=1.5)
    planned = []
    for first in range(0, 60, 6):
        six = whole.isel(replicate=slice(first, first + 6))
        planned.append(lo.replicates_needed(six, 0.9).more + 6)
    n = int(np.median(planned))
    after = lo.reliability(whole.isel(replicate=slice(100, 100 + n))).value
    assert n > 10
    assert after == pytest.approx(0.9, abs=0.015)


def test_a_reliability_that_is_there_needs_none():
    needed = lo.replicates_needed(log_of(8, noise=0.3), 0.5)
    assert (needed.more, needed.more_ci, needed.more_for_low) == (0, (0, 0), 0)
    assert needed.undefined == {}


def test_fewer_than_five_replicates_are_no_plan():
    needed = lo.replicates_needed(log_of(4))
    assert needed.reliability is not None
    assert needed.more is needed.more_ci is needed.more_for_low is None
    assert needed.undefined["more"] == "planning needs 5 replicates; there are 4"
    assert MIN_REPLICATES == 5


def test_one_replicate_is_undefined_with_the_reason():
    needed = lo.replicates_needed(log_of(1))
    assert set(needed.undefined) == set(NAMES)


def test_no_number_reaches_1_or_helps_where_nothing_is_shared():
    certain = needed_for(found(0.9, (0.8, 0.95)), 1)
    assert "infinitely many" in certain.undefined["more"]
    assert needed_for(found(1.0, None), 1).more == 0
    nothing = needed_for(found(-0.2, (-0.9, 0.3)), 0.9)
    assert nothing.more is nothing.more_for_low is None
    assert "not above 0" in nothing.undefined["more"]
    assert nothing.more_ci[1] is None
    assert needed_for(found(1e-12, (-1.0, 0.3)), 0.9).more is None


def test_an_interval_that_reaches_0_has_no_largest_number():
    assert needed_for(found(0.5, (-0.1, 0.8)), 0.9).more_ci == (13, None)


def test_identical_replicates_have_no_interval_and_say_so():
    log = log_of(1).isel(replicate=[0] * 6).assign_coords(replicate=range(6))
    needed = lo.replicates_needed(log, 0.9)
    assert (needed.more, needed.more_ci) == (0, None)
    assert "no spread" in needed.undefined["more_ci"]
    assert "no spread" in needed.undefined["reliability_ci"]


@pytest.mark.parametrize("target", [0, -1, 1.01, float("nan"), "0.9", True])
def test_what_is_no_reliability_is_refused(target):
    with pytest.raises(LearnOrderError, match="the target is"):
        lo.replicates_needed(log_of(5), target)


@pytest.mark.parametrize("n_replicates", [1, 4, 6])
def test_json_has_every_number_or_its_reason(n_replicates):
    content = lo.replicates_needed(log_of(n_replicates)).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert {name for name in NAMES if content[name] is None} == set(content["undefined"])
