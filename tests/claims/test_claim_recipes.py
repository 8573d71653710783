"""Every recipe resolves: specs that train, claims that find what they need."""

from __future__ import annotations

import pytest

from learnorder.claims import SCALES
from learnorder.claims.recipe import (
    ORDER,
    all_claims,
    collection,
    collections_of,
    find_claims,
)
from learnorder.claims.rules import RULES
from learnorder.datasets.registry import known_datasets
from learnorder.errors import DataNotFound, LearnOrderError
from learnorder.training.architectures.table import check_architecture

DESIGN = [
    "same-architecture",
    "benchmarks",
    "across-architectures",
    "robust",
    "out-of-sample",
    "random-labels",
    "synthetic",
    "other-learners",
    "generalisation",
]
KINDS = {entry.name: entry.kind for entry in known_datasets()}


def test_there_are_the_nine_claims_of_the_paper():
    assert [claim.id for claim in all_claims()] == list(ORDER) == DESIGN


@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
@pytest.mark.parametrize("scale", SCALES)
def test_collections_of_a_claim_are_specs_that_fit_their_data(claim, scale):
    asked = {asked.threshold for asked in RULES[claim.rule].asks.values()}
    assert set(claim.thresholds) == {name for name in asked if isinstance(name, str)}
    assert claim.at(scale), "every claim can be run at every scale"
    for name, found in collections_of([claim], scale).items():
        spec = found.spec
        kind = KINDS[spec.dataset.name]
        transform = spec.dataset.transform
        if transform is not None and transform.name == "pca":
            kind = "features"
        check_architecture(spec.architecture.name, spec.architecture.options, kind)
        assert len(found.seeds) >= 5, name
        assert found.about


@pytest.mark.parametrize("scale", SCALES)
def test_networks_that_are_compared_share_no_seed(scale):
    """They would begin alike, or see the examples in one order, by design."""
    for claim in all_claims():
        for study in claim.at(scale):
            networks = [
                n for n in study.collections if not n.partition("/")[0].endswith("learners")
            ]
            seeds = [seed for name in networks for seed in collection(name, scale).seeds]
            assert len(set(seeds)) == len(seeds), study.name


@pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: claim.id)
def test_what_is_said_of_the_rule_names_its_thresholds(claim):
    for key, threshold in claim.thresholds.items():
        half = key == "accuracy" and threshold == 0.5
        assert ("half" if half else f"{threshold:g}") in claim.because


def test_splits_that_are_judged_are_there():
    for claim in all_claims():
        for scale in SCALES:
            for study in claim.at(scale):
                for name in study.collections:
                    extra = set(collection(name, scale).spec.extra)
                    assert set(study.splits) <= {"train", "test"} | extra


def test_the_paper_s_own_numbers_are_those_of_the_full_scale():
    found = collection("small-mammals/st-vgg", "full")
    assert (len(found.seeds), found.spec.training.epochs) == (100, 140)
    assert found.spec.dataset.train_limit is None


def test_data_that_are_not_at_hand_are_said_to_be_missing(monkeypatch, tmp_path):
    """Recipes load through the same doors, up to the point where files must be there."""
    from learnorder.collection.prepare import prepare

    monkeypatch.setenv("LEARNORDER_DATA", str(tmp_path))
    for name in ("tiny-imagenet/resnet-18", "imagenet-cats/st-vgg", "vggface2/st-vgg"):
        with pytest.raises(DataNotFound, match="was not found"):
            prepare(collection(name, "full").spec, None)


def test_an_unknown_claim_is_refused_with_the_nearest_name():
    with pytest.raises(LearnOrderError, match="'same-architecture'"):
        find_claims(["same-architectures"])
    assert [claim.id for claim in find_claims(["robust", "robust"])] == ["robust"]
