"""Smaller designs, from the log itself."""

from __future__ import annotations

import json

import numpy as np
import pytest

import learnorder as lo
from learnorder.errors import LearnOrderError
from learnorder.measures import designs, partial_orders
from learnorder.measures.designs import Budget, CostModel, Design, designs_of, sub_designs
from learnorder.measures.partial_orders import Draws, full_order, steps, values_of
from learnorder.measures.split import read_split
from learnorder.schema import DIMS

COST = CostModel(n_train=1000, n_predicted=1200)


def make(n_replicates=8, n_epochs=6, n_examples=500, epochs=None, seed=0):
    """Networks that learn the easier examples earlier, and are surer of them."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=n_examples)
    own = ease + 0.7 * rng.normal(size=(n_replicates, 1, n_examples))
    time = np.log(np.arange(1, n_epochs + 1))[None, :, None]
    probability = 1 / (1 + np.exp(-2 * (own + time - 1)))
    labels = np.arange(n_examples) % 4
    right = rng.random(probability.shape) < probability
    log = lo.from_arrays(np.where(right, labels, (labels + 1) % 4), labels, epochs=epochs)
    return log.assign(probability=(DIMS, probability.astype(np.float16)))


def all_designs(log, quantity):
    split = read_split(log, "test")
    full = full_order(values_of(split, "prediction"))
    budget = Budget(COST, log.sizes["replicate"], split.epochs)
    draws = Draws.halves(log.sizes["replicate"])
    return designs_of(values_of(split, quantity), quantity, full, draws, budget)


@pytest.mark.parametrize("quantity", ["prediction", "probability"])
def test_every_correlation_is_that_of_the_order_itself(quantity):
    log = make()
    found = all_designs(log, quantity)
    draws = Draws.halves(8)
    right = (log["prediction"] == log["label"]).values
    values = right if quantity == "prediction" else log["probability"].values.astype(float)
    assert len(found) > 30
    for design in found:
        points = slice(design.every - 1, design.every * design.n_points, design.every)
        expected = [
            np.corrcoef(
                values[pool[: design.n_replicates]][:, points].mean((0, 1)),
                right[reference].mean((0, 1)),
            )[0, 1]
            for pool, reference in zip(draws.pool, draws.reference, strict=True)
        ]
        assert design.correlation == pytest.approx(np.mean(expected), abs=1e-9)
        assert design.lowest == pytest.approx(min(expected), abs=1e-9)
        assert design.highest == pytest.approx(max(expected), abs=1e-9)
        assert design.epochs == points.stop


def test_a_design_and_the_order_it_is_held_against_share_no_replicate():
    for n in (4, 7, 12):
        draws = Draws.halves(n)
        for pool, reference in zip(draws.pool, draws.reference, strict=True):
            assert sorted([*pool, *reference]) == list(range(n))


def test_cost_counts_3_to_train_and_1_to_predict():
    assert COST.work(2, 5.0, 5) == 2 * 5 * (3 * 1000 + 1200)
    assert COST.work(2, 5.0, 1) == 2 * (5 * 3 * 1000 + 1200)
    by_place = {(d.n_replicates, d.epochs, d.every): d for d in all_designs(make(), "prediction")}
    assert by_place[4, 6, 1].cost == pytest.approx(0.5)
    assert by_place[1, 2, 2].cost == pytest.approx((6000 + 1200) / (8 * 6 * 4200))


def test_sub_epoch_points_cost_what_they_train():
    log = make(n_epochs=4, epochs=[0.25, 0.5, 1, 2])
    by_place = {(d.n_replicates, d.epochs, d.every): d.cost for d in all_designs(log, "prediction")}
    whole = 8 * (3000 * 2 + 4 * 1200)
    assert by_place[1, 0.25, 1] == pytest.approx((3000 * 0.25 + 1200) / whole)


def test_the_front_gets_better_with_every_design_that_costs_more():
    found = sub_designs(make(), COST, goal=0.8)
    costs = [d.cost for d in found.front]
    assert len(found.front) > 4
    assert costs == sorted(costs)
    steps_up = np.diff([d.correlation for d in found.front if d != found.cheapest])
    assert (steps_up >= designs.GAIN).all()
    everything = all_designs(make(), "prediction") + all_designs(make(), "probability")
    assert found.n_designs == len(everything)
    for design in found.front:
        cheaper = [d.correlation for d in everything if d.cost < design.cost]
        assert max(cheaper, default=-1) < design.correlation + designs.GAIN


def test_the_cheapest_design_reaches_the_goal_in_every_draw_not_on_average():
    everything = all_designs(make(), "prediction") + all_designs(make(), "probability")
    by_mean = min((d for d in everything if d.correlation >= 0.8), key=lambda d: d.cost)
    assert by_mean.lowest < 0.8
    found = sub_designs(make(), COST, goal=0.8)
    assert found.cheapest.lowest >= 0.8
    assert found.cheapest.cost == min(d.cost for d in everything if d.lowest >= 0.8) > by_mean.cost
    assert found.cheapest in found.front


def test_a_marked_design_keeps_its_promise_on_networks_it_was_not_chosen_on():
    """Plan on 6 of 120 networks, 20 times, and try on the others what either rule marks."""
    whole = make(120, seed=3).drop_vars("probability")
    right = (whole["prediction"] == whole["label"]).values
    rng = np.random.default_rng(0)
    broken = {"lowest": 0, "correlation": 0}
    for _ in range(20):
        drawn = rng.permutation(120)
        log = whole.isel(replicate=drawn[:6])
        everything = all_designs(log, "prediction")
        for rule in broken:
            reaching = [d for d in everything if getattr(d, rule) >= GOAL]
            design = min(reaching, key=lambda d: (d.cost, -d.correlation))
            if rule == "lowest":
                assert design == sub_designs(log, COST, goal=GOAL).cheapest
            broken[rule] += on_others(right, design, drawn[6:], rng) < GOAL
    assert broken["lowest"] <= 2
    assert broken["correlation"] >= 4


GOAL = 0.7


def on_others(right, design, others, rng):
    """Mean correlation of a design with full orders of three, all from other networks."""
    points = slice(design.every - 1, design.every * design.n_points, design.every)
    found = []
    for _ in range(40):
        drawn = rng.permutation(others)
        few = right[drawn[: design.n_replicates]][:, points].mean((0, 1))
        found.append(np.corrcoef(few, right[drawn[-3:]].mean((0, 1)))[0, 1])
    return np.mean(found)


def test_a_design_marked_though_a_cheaper_one_is_better_on_average_does_not_let_worse_ones_in():
    def design(cost, correlation, lowest):
        return Design(1, 1.0, 1, 1, "prediction", cost, correlation, lowest, 1.0, None)

    cheap, sure, worse, best = (
        design(0.1, 0.92, 0.85), design(0.2, 0.91, 0.9), design(0.3, 0.918, 0.9),
        design(0.4, 0.95, 0.93),
    )  # fmt: skip
    found = designs._best([best, sure, worse, cheap], 0.9, 3, 0.9, COST)
    assert found.front == (cheap, sure, best)
    assert found.cheapest == sure


@pytest.mark.parametrize("pattern", [[0, 1, 1], [1, 0, 1], [1, 1, 0]])
def test_scores_that_are_two_thirds_for_all_are_no_order(pattern):
    """After three points every example was right in two of them; then examples differ."""
    rng = np.random.default_rng(0)
    ease = rng.normal(size=997)
    right = np.ones((6, 6, 997), bool)
    right[:, :3] = np.array(pattern, bool)[None, :, None]
    right[:, 3:] = (ease + 0.5 * rng.normal(size=(6, 1, 997)) + np.array([[-0.5], [0], [0.5]])) > 0
    log = lo.from_arrays(np.where(right, 0, 1), np.zeros(997, dtype=int))
    found = all_designs(log, "prediction")
    assert min(d.epochs for d in found) > 3
    assert min(d.correlation for d in found) > 0.5


def test_two_networks_whose_mean_is_the_same_for_all_examples_have_no_order():
    """One is right where the other is wrong: of the variance of their mean rounding is left."""
    both = Draws(np.array([[0]]), np.array([[0, 1]]))
    for seed in range(8):
        one = np.random.default_rng(seed).random((1, 7, 501)) < 0.3
        assert not full_order(np.concatenate([one, ~one])).differs(both)


def test_probabilities_tell_more_where_networks_are_sure_to_different_degrees():
    single = {
        q: next(d for d in all_designs(make(), q) if (d.n_replicates, d.n_points) == (1, 1))
        for q in ("prediction", "probability")
    }
    assert single["probability"].correlation > single["prediction"].correlation + 0.1
    assert {d.quantity for d in sub_designs(make(), COST).front} == {"probability"}


def test_correction_gives_the_correlation_with_the_order_of_very_many():
    log = make(120, seed=1)
    many = (log["prediction"] == log["label"]).values[20:].mean((0, 1))
    reliability = lo.reliability(log.isel(replicate=slice(20, None))).value
    few = log.isel(replicate=slice(0, 8))
    design = next(
        d for d in all_designs(few, "prediction") if (d.n_replicates, d.n_points) == (2, 6)
    )
    right = (few["prediction"] == few["label"]).values
    pairs = [right[[a, b]].mean((0, 1)) for a in range(8) for b in range(a)]
    expected = np.mean([np.corrcoef(pair, many)[0, 1] for pair in pairs])
    assert design.correlation < expected - 0.02
    assert design.corrected == pytest.approx(expected / np.sqrt(reliability), abs=0.015)


def test_reliability_of_the_full_order_is_that_of_half_the_replicates():
    log = make(8)
    whole = lo.reliability(log).value
    found = sub_designs(log, COST)
    assert found.n_reference == 4
    assert found.reliability == pytest.approx(whole / (2 - whole), rel=1e-6)


def test_epoch_0_is_no_part_of_any_order():
    log = make(n_epochs=4, epochs=[0, 1, 2, 3])
    later = log.isel(epoch=slice(1, None))
    assert sub_designs(log, COST).front == sub_designs(later, COST).front


def test_a_log_without_probabilities_plans_with_predictions():
    log = make().drop_vars("probability")
    assert {d.quantity for d in sub_designs(log, COST).front} == {"prediction"}


def test_the_same_log_gives_the_same_plan():
    assert sub_designs(make(), COST) == sub_designs(make(), COST)


def test_large_logs_are_planned_on_a_part_of_their_examples_and_replicates(monkeypatch):
    log = make(12, n_examples=3000)
    whole = sub_designs(log, COST)
    monkeypatch.setattr(partial_orders, "MOST_EXAMPLES", 1500)
    monkeypatch.setattr(designs, "MOST_REPLICATES", 8)
    part = sub_designs(log, COST)
    assert part.n_reference == 4
    first, second = (next(d for d in f.front if d.n_replicates == 1) for f in (whole, part))
    assert second.cost == first.cost
    assert second.corrected == pytest.approx(first.corrected, abs=0.04)


def test_blocks_of_examples_do_not_matter(monkeypatch):
    whole = all_designs(make(), "probability")
    monkeypatch.setattr(partial_orders, "BLOCK_VALUES", 2000)
    for a, b in zip(whole, all_designs(make(), "probability"), strict=True):
        assert a.correlation == pytest.approx(b.correlation, abs=1e-10)


@pytest.mark.parametrize("n_replicates", [1, 3])
def test_too_few_replicates_are_no_plan(n_replicates):
    found = sub_designs(make(n_replicates), COST)
    assert found.front == ()
    assert set(found.undefined) == {"front", "cheapest", "reliability"}
    assert (
        f"there {'is' if n_replicates == 1 else 'are'} {n_replicates}" in found.undefined["front"]
    )


def test_without_an_order_there_is_no_plan():
    labels = np.arange(30) % 3
    log = lo.from_arrays(np.broadcast_to(labels, (6, 2, 30)), labels)
    assert "does not differ" in sub_designs(log).undefined["front"]


def test_networks_that_share_nothing_have_no_correction():
    rng = np.random.default_rng(2)
    labels = np.zeros(400, dtype=int)
    log = lo.from_arrays(rng.integers(0, 2, (4, 2, 400)), labels)
    found = sub_designs(log)
    assert found.cheapest is None
    assert set(found.undefined) >= {"cheapest"}
    for design in found.front:
        assert abs(design.correlation) < 0.2
        assert (design.corrected is None) == (found.reliability is None)


def test_json_of_a_plan_is_plain():
    content = sub_designs(make(), COST, goal=0.7).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["cheapest"] in content["front"]
    assert content["cost_model"] == {"n_train": 1000, "n_predicted": 1200}


@pytest.mark.parametrize("n_replicates", [2, 8])
def test_without_a_cost_model_the_examples_of_the_split_are_trained_on_and_predicted(n_replicates):
    assert sub_designs(make(n_replicates)).cost_model == CostModel(500, 500)


def test_a_prediction_that_was_not_recorded_is_refused():
    log = make()
    log["prediction"][1, 2, 3] = 255
    with pytest.raises(LearnOrderError, match=r"sub_designs: a prediction was not recorded"):
        sub_designs(log)


@pytest.mark.parametrize("goal", [0, 1.2, float("nan")])
def test_a_goal_that_is_no_correlation_is_refused(goal):
    with pytest.raises(LearnOrderError, match="the goal is"):
        sub_designs(make(), COST, goal)


def test_only_epoch_0_is_refused():
    with pytest.raises(LearnOrderError, match="no epoch after training began"):
        sub_designs(make(n_epochs=2, epochs=[0, 1]).isel(epoch=[0]))


def test_steps_are_close_to_even_on_a_logarithm():
    assert steps(1) == [1]
    assert steps(10) == [1, 2, 3, 4, 6, 8, 10]
