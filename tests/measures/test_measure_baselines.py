"""What class and baselines explain of the order: oracles, known shares, degenerate input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from learnorder.errors import LearnOrderError
from learnorder.log.labelled import from_arrays
from learnorder.measures import order
from learnorder.measures.baselines import Association, Share, baselines_of, explained, explained_of
from learnorder.measures.moments import deviations, moments
from learnorder.measures.residuals import baseline_ranks, rank_terms, residuals
from learnorder.measures.scores import ScoreTable
from learnorder.measures.summary import summarise
from learnorder.measures.values import measure_values, value_rows

N_CLASSES = 4


def drawn(rng, n_replicates=6, n_examples=400, n_epochs=8, weight=0.7):
    """Networks whose order owes something to class and to two baselines."""
    label = rng.integers(0, N_CLASSES, n_examples)
    bright = rng.normal(size=n_examples)
    large = rng.gamma(1.0, size=n_examples) + 0.5 * label
    easy = weight * bright - 0.3 * large + 0.4 * label + 0.6 * rng.normal(size=n_examples)
    progress = np.linspace(-1, 2, n_epochs)[None, :, None]
    noise = 0.7 * rng.normal(size=(n_replicates, n_epochs, n_examples))
    right = progress + easy + noise > 0
    return from_arrays(
        np.where(right, label, (label + 1) % N_CLASSES),
        label,
        class_names=[str(k) for k in range(N_CLASSES)],
        baselines={"bright": bright, "large": large},
    )


@pytest.fixture(scope="module")
def log():
    return drawn(np.random.default_rng(8))


@pytest.fixture(scope="module")
def found(log):
    return explained(log)


def dummies(label):
    return (label[:, None] == np.unique(label)[1:]).astype(float)


def design(log, *names, by_class=False):
    """Constant, class and terms, as statsmodels takes them."""
    ranks = [(stats.rankdata(log[n].values) / log.sizes["example"]) for n in names]
    terms = [(r - r.mean())[:, None] ** power for r in ranks for power in (1, 2)]
    classes = [dummies(log["label"].values)] if by_class else []
    return np.hstack([np.ones((log.sizes["example"], 1)), *classes, *terms])


def share_by_loops(log, before, after):
    """Share of the covariance of different replicates that residuals of OLS have no longer."""
    scores = order.accessibility_per_replicate(log).values
    n_replicates, n_examples = scores.shape

    def shared(x):
        rest = np.array([sm.OLS(s, x).fit().resid for s in scores])
        matrix = rest @ rest.T / (n_examples - np.linalg.matrix_rank(x))
        return matrix[~np.eye(n_replicates, dtype=bool)].mean()

    return 1 - shared(after) / shared(before)


def test_correlations_are_those_of_scipy(log, found):
    accessibility, label = order.accessibility(log).values, log["label"].values
    for baseline in found.baselines:
        values = log[baseline.name].values
        pearson = stats.pearsonr(accessibility, values).statistic
        assert baseline.pearson == pytest.approx(pearson, rel=1e-10)
        spearman = stats.spearmanr(accessibility.round(12), values).statistic
        assert baseline.spearman == pytest.approx(spearman, rel=1e-10)
        rest = [sm.OLS(v, design(log, by_class=True)).fit().resid for v in (accessibility, values)]
        within = baseline.within_class
        assert within.pearson == pytest.approx(np.corrcoef(*rest)[0, 1], rel=1e-10)
        ranks = np.zeros((2, len(label)))
        for row, v in zip(ranks, (accessibility.round(12), values), strict=True):
            for k in range(N_CLASSES):
                share = stats.rankdata(v[label == k]) / (label == k).sum()
                row[label == k] = share - share.mean()
        assert within.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1], rel=1e-10)


def test_adjusted_r_squared_is_that_of_statsmodels(log, found):
    accessibility = order.accessibility(log).values

    def fitted(*names, by_class=False):
        return sm.OLS(accessibility, design(log, *names, by_class=by_class)).fit()

    of_class = fitted(by_class=True)
    assert found.by_class.r_squared == pytest.approx(of_class.rsquared_adj, rel=1e-10)
    for baseline in found.baselines:
        assert baseline.r_squared == pytest.approx(fitted(baseline.name).rsquared_adj, rel=1e-10)
        both = fitted(baseline.name, by_class=True)
        beyond = 1 - both.mse_resid / of_class.mse_resid
        assert baseline.within_class.r_squared == pytest.approx(beyond, rel=1e-8)
    everything = fitted("bright", "large", by_class=True)
    assert found.together.r_squared == pytest.approx(everything.rsquared_adj, rel=1e-10)
    beyond = 1 - everything.mse_resid / of_class.mse_resid
    assert found.together.within_class.r_squared == pytest.approx(beyond, rel=1e-8)


def test_shares_are_those_of_residuals_of_least_squares(log, found):
    nothing, classes = design(log), design(log, by_class=True)
    assert found.by_class.share == pytest.approx(share_by_loops(log, nothing, classes), rel=1e-9)
    for b in found.baselines:
        alone = share_by_loops(log, nothing, design(log, b.name))
        assert b.share == pytest.approx(alone, rel=1e-9)
        beyond = share_by_loops(log, classes, design(log, b.name, by_class=True))
        assert b.within_class.share == pytest.approx(beyond, rel=1e-9)
    everything = design(log, "bright", "large", by_class=True)
    together = found.together
    assert together.share == pytest.approx(share_by_loops(log, nothing, everything), rel=1e-9)
    beyond = share_by_loops(log, classes, everything)
    assert together.within_class.share == pytest.approx(beyond, rel=1e-9)


def test_a_share_is_adjusted_r_squared_over_reliability_but_for_chance(log, found):
    alpha = order.reliability(log)
    pairs = [(s, alpha.value) for s in (found.by_class, found.together, *found.baselines)]
    pairs += [(b.within_class, alpha.within_class) for b in found.baselines]
    for share, reliability in pairs:
        assert share.share == pytest.approx(share.r_squared / reliability, abs=0.01)
        assert share.share_ci[0] < share.share < share.share_ci[1]


def test_shares_of_nested_baselines_add_up(found):
    """What class leaves, times what baselines leave of that, is what all leave."""
    left = (1 - found.by_class.share) * (1 - found.together.within_class.share)
    assert found.together.share == pytest.approx(1 - left, rel=1e-10)


def simulated(rng, share, n_replicates, n_examples, noise, skill=0.0):
    """Scores whose shared order is, for so large a part, a baseline's rank."""
    label = rng.integers(0, 5, n_examples)
    values = rng.normal(size=n_examples)
    (rank,) = baseline_ranks(values, (None,))
    signal = np.sqrt(share * 12) * rank.centred + np.sqrt(1 - share) * rng.normal(size=n_examples)
    slope = 1 + skill * rng.normal(size=(n_replicates, 1))
    scores = slope * signal + noise * rng.normal(size=(n_replicates, n_examples))
    return ScoreTable.of(scores), label, {"known": values}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_a_known_share_is_recovered_whatever_the_noise(share, noise):
    rng = np.random.default_rng(int(100 * share + noise))
    scores, label, baselines = simulated(rng, share, 10, 6_000, noise)
    # in another unit, in which it is far from linear
    found = explained_of(scores, label, {"known": np.exp(3 * baselines["known"])})
    assert found.baselines[0].share == pytest.approx(share, abs=0.03)
    assert found.together.share == pytest.approx(share, abs=0.03)
    assert found.by_class.share == pytest.approx(0, abs=0.01)
    if noise == 2.0 and share:
        assert found.baselines[0].r_squared < 0.8 * share


def test_class_difficulty_is_explained_by_class_alone():
    rng = np.random.default_rng(5)
    label = rng.integers(0, 8, 5_000)
    easy = rng.normal(size=8)[label]
    easy = easy / easy.std() + 0.5 * rng.normal(size=5_000)
    scores = easy + rng.normal(size=(6, 5_000))
    values = rng.normal(size=5_000)
    found = explained_of(ScoreTable.of(scores), label, {"unrelated": values})
    assert found.by_class.share == pytest.approx(0.8, abs=0.02)
    assert found.baselines[0].share == pytest.approx(0, abs=0.01)
    assert found.together.within_class.share == pytest.approx(0, abs=0.01)


def test_many_terms_without_meaning_explain_nothing():
    """Forty terms on two hundred examples: a fifth of the order, were it not for the degrees."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(30):
        label = np.zeros(200, dtype=int)
        scores = rng.normal(size=200) + rng.normal(size=(5, 200))
        known = {f"b{i}": rng.normal(size=200) for i in range(20)}
        shares.append(explained_of(ScoreTable.of(scores), label, known).together.share)
    assert np.mean(shares) == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("n_replicates", "noise", "skill", "share"),
    [(5, 1.0, 0.0, 0.4), (5, 0.5, 0.3, 0.4), (10, 2.0, 0.2, 0.1), (5, 0.5, 0.0, 0.0)],
)
def test_intervals_hold_the_truth(n_replicates, noise, skill, share):
    rng = np.random.default_rng(n_replicates)
    held = np.zeros(3)
    n_draws = 200
    truth = pearson_truth(rng, share, n_replicates, noise, skill)
    for _ in range(n_draws):
        found = explained_of(*simulated(rng, share, n_replicates, 300, noise, skill))
        intervals = (
            (share, found.baselines[0].share_ci),
            (truth, found.baselines[0].pearson_ci),
            (share, found.together.share_ci),
        )
        held += [low <= value <= high for value, (low, high) in intervals]
    assert (held >= 0.92 * n_draws).all()


def pearson_truth(rng, *setting):
    """Correlation with the mean of so many replicates, over very many examples."""
    share, n_replicates, *noise = setting
    found = [
        explained_of(*simulated(rng, share, n_replicates, 10_000, *noise)).baselines[0].pearson
        for _ in range(6)
    ]
    return np.mean(found)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["bright", "large"]))
def test_neither_unit_nor_order_of_anything_matters(seed, name):
    rng = np.random.default_rng(seed)
    log = drawn(rng, n_replicates=4, n_examples=60, n_epochs=3)
    before = explained(log)
    examples, replicates = rng.permutation(60), rng.permutation(4)
    renamed = rng.permutation(N_CLASSES)
    changed = from_arrays(
        renamed[log["prediction"].values[replicates][:, :, examples]],
        renamed[log["label"].values[examples]],
        class_names=log.attrs["class_names"],
        baselines={n: 1e6 - 1e3 * log[n].values[examples] for n in ("large", "bright")},
    )
    after = explained(changed)
    assert np.allclose(numbers(after.by_class), numbers(before.by_class), equal_nan=True)
    assert np.allclose(numbers(after.together), numbers(before.together), equal_nan=True)
    one, other = (next(b for b in e.baselines if b.name == name) for e in (before, after))
    assert np.allclose(numbers(one), numbers(other), equal_nan=True)
    if one.pearson is not None:
        assert other.pearson == pytest.approx(-one.pearson)
        assert other.spearman == pytest.approx(-one.spearman)


def numbers(found: Share) -> list[float]:
    values = (found.r_squared, found.share, *(found.share_ci or (None, None)))
    return [np.nan if v is None else v for v in values]


def complete(record):
    """Every null of a record has its reason beside it, and nothing else has one."""
    if isinstance(record, list):
        return all(map(complete, record))
    if not isinstance(record, dict):
        return True
    missing = {k for k, v in record.items() if v is None}
    inner = all(complete(v) for k, v in record.items() if k != "undefined")
    return missing == set(record["undefined"]) and inner


CASES = {
    "one replicate": ({"n_replicates": 1}, "there is 1 replicate"),
    "two replicates": ({"n_replicates": 2}, "an interval needs 3 replicates"),
    "few examples": ({"n_examples": 8}, "an interval needs 10 examples"),
    "two examples": ({"n_examples": 2}, "undefined"),
    "one example": ({"n_examples": 1}, "there is 1 example"),
    "as many terms as examples": ({"n_examples": 5}, "as many terms as examples"),
}


@pytest.mark.parametrize(("shape", "reason"), CASES.values(), ids=CASES)
def test_what_is_undefined_says_why(shape, reason):
    log = drawn(np.random.default_rng(3), **shape)
    record = explained(log).to_dict()
    assert complete(record)
    text = json.dumps(record, allow_nan=False)
    assert reason in text


def test_one_replicate_has_correlations_but_no_shared_order():
    found = explained(drawn(np.random.default_rng(3), n_replicates=1))
    assert found.baselines[0].pearson is not None
    assert found.baselines[0].r_squared is not None
    assert found.baselines[0].share is None
    assert "1 replicate" in found.baselines[0].undefined["share"]


def test_a_constant_order_has_nothing_to_explain(log):
    right = np.broadcast_to(log["label"].values, (3, 2, 400))
    always = from_arrays(right, log["label"].values, baselines={"bright": log["bright"].values})
    record = explained(always).to_dict()
    assert complete(record)
    for share in (record["class"], record["each"][0], record["together"]):
        assert "does not differ between examples" in share["undefined"]["share"]
        assert "does not differ between examples" in share["undefined"]["r_squared"]


def test_without_a_shared_order_there_is_no_share_of_it():
    rng = np.random.default_rng(1)
    for _ in range(50):
        scores = ScoreTable.of(rng.normal(size=(3, 40)))
        found = explained_of(scores, np.arange(40) % 2, {"b": rng.normal(size=40)})
        if found.by_class.share is None:
            assert "no shared order to explain" in found.by_class.undefined["share"]
            return
    pytest.fail("no draw had a negative reliability")


def test_a_constant_baseline_is_undefined_and_changes_nothing(log):
    with_it = log.assign(same=("example", np.full(400, 0.1), {"role": "baseline"}))
    before, after = explained(log), explained(with_it)
    assert numbers(after.together) == pytest.approx(numbers(before.together), rel=1e-9)
    constant = after.baselines[-1]
    assert constant.name == "same"
    assert complete({k: v for k, v in vars(constant).items() if k not in ("name", "within_class")})
    assert constant.undefined["pearson"] == "'same' does not differ between examples"
    assert constant.within_class.undefined["share"] == "'same' does not differ within any class"


def test_a_baseline_that_is_class_says_nothing_within_class(log):
    of_class = log.assign(k=("example", log["label"].values * 2.0, {"role": "baseline"}))
    found = explained(of_class).baselines[-1]
    assert found.pearson is not None
    assert found.within_class.pearson is None


def test_a_baseline_given_twice_counts_once(log):
    twice = log.assign(again=("example", 3 * log["bright"].values - 1, {"role": "baseline"}))
    before, after = explained(log).together, explained(twice).together
    assert numbers(after) == pytest.approx(numbers(before), rel=1e-8)


def test_classes_of_one_example_are_no_problem():
    rng = np.random.default_rng(2)
    label = np.append(rng.integers(0, 3, 60), [3, 4])
    scores = rng.normal(size=62) + rng.normal(size=(4, 62))
    known = rng.normal(size=62)
    found = explained_of(ScoreTable.of(scores), label, {"b": known})
    x = np.hstack([np.ones((62, 1)), dummies(label)])
    assert found.by_class.r_squared == pytest.approx(sm.OLS(scores.mean(0), x).fit().rsquared_adj)
    alone = explained_of(ScoreTable.of(scores), np.arange(62), {"b": known})
    assert complete(alone.to_dict())
    assert alone.by_class.undefined["share"] == "no class has two examples to compare"


def test_without_baselines_class_is_left(log):
    plain = log.drop_vars(["bright", "large"])
    found = explained(plain)
    assert found.by_class == explained(log).by_class
    assert (found.baselines, found.together) == ((), None)
    assert "the split has no baselines" in found.undefined["together"]
    assert complete(found.to_dict())


def test_what_is_no_baseline_is_refused(log):
    marked = {"role": "baseline"}
    for variable, message in (
        (("example", np.where(np.arange(400) == 7, np.nan, 1.0), marked), "of example 7 is nan"),
        (("epoch", np.ones(8), marked), r"has dims \('epoch',\)"),
        (("example", np.full(400, "a"), marked), "has dims .* type <U1"),
    ):
        with pytest.raises(LearnOrderError, match=f"explained: the baseline 'x' {message}"):
            explained(log.assign(x=variable))
    assert set(baselines_of(log.assign(x=("example", np.ones(400))), "me")) == {"bright", "large"}
    with pytest.raises(LearnOrderError, match="no epoch after training began"):
        explained(log.isel(epoch=[0]).assign_coords(epoch=[0.0]))
    with pytest.raises(LearnOrderError, match="has no labels"):
        explained(log.drop_vars("label"))


def test_residuals_within_class_are_those_of_terms_for_each_class(log):
    scores = order.accessibility_per_replicate(log).values
    terms = rank_terms(list(baseline_ranks(log["bright"].values, (None,))))
    rest = residuals(deviations(ScoreTable.of(scores), log["label"].values), terms)
    found = np.hstack([block for _, block in rest.blocks(37)])
    x = design(log, "bright", by_class=True)
    expected = np.array([sm.OLS(s, x).fit().resid for s in scores])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(rest.mean(), expected.mean(axis=0), atol=1e-12)
    assert rest.degrees == 400 - x.shape[1]
    moment = moments(rest)
    matrix = expected @ expected.T / rest.degrees
    assert moment.variance == pytest.approx(np.diag(matrix).mean(), rel=1e-10)


def test_the_summary_and_the_catalogue_have_it(log, found):
    summary = summarise(log)
    assert summary["baselines"] == found.to_dict()
    assert summary["undefined"] == {}
    json.dumps(summary, allow_nan=False)
    record = measure_values(log, ["explained"])["explained"]
    assert record["values"]["class_share"] == found.by_class.share
    assert record["values"]["bright_share_ci"] == list(found.baselines[0].share_ci)
    (row,) = value_rows({"explained": record})
    assert row["together_share_low"] == found.together.share_ci[0]
    unlabelled = summarise(log.drop_vars("label"))
    assert unlabelled["baselines"] is None
    assert "no labels" in unlabelled["undefined"]["baselines"]
    plain = measure_values(log.drop_vars(["bright", "large"]), ["explained"])["explained"]
    assert set(plain["undefined"]) == {"together_share", "together_share_ci"}


def test_how_scores_are_kept_changes_nothing(log, found, monkeypatch):
    from learnorder.measures import moments as moments_module
    from learnorder.measures import scores

    for name, value in (("TABLE_BYTES", 8), ("COLUMN_BYTES", 600), ("BLOCK", 90)):
        monkeypatch.setattr(scores, name, value)
    monkeypatch.setattr(moments_module, "PART", 33)
    again = explained(log)
    for one, other in zip(
        (again.by_class, again.together, *again.baselines),
        (found.by_class, found.together, *found.baselines),
        strict=True,
    ):
        assert numbers(one) == pytest.approx(numbers(other), rel=1e-9)
        if isinstance(one, Association):
            assert one.pearson_ci == pytest.approx(other.pearson_ci, rel=1e-9)
