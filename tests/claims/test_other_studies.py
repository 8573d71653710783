"""A claim in parts: joined, they are the whole; what does not fit is refused."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest

from learnorder.claims.check import check_result
from learnorder.claims.evidence import Finding
from learnorder.claims.judging import level_of, verdict_of
from learnorder.claims.older import differences
from learnorder.claims.other_studies import earlier_result, joined
from learnorder.claims.page import page_of
from learnorder.claims.recipe import Claim, find_claims, with_studies
from learnorder.claims.result_file import FoundTable
from learnorder.claims.verdicts import Verdict, all_of
from learnorder.errors import LearnOrderError

RESULTS = Path(__file__).parents[2] / "docs" / "claims" / "results"
SEVERAL = ("across-architectures", "benchmarks", "robust", "other-learners", "synthetic")
"""Claims of several studies; of the last two one subject is enough."""


def whole(name: str) -> tuple[Claim, dict]:
    """A claim, and its kept result at the quick scale."""
    return find_claims([name])[0], json.loads((RESULTS / f"{name}.json").read_text())


def part(claim: Claim, result: dict, *studies: str) -> dict:
    """What a run of these studies alone would have written, without any others."""
    names = {n for s in claim.at("quick") if s.name in studies for n in s.collections}
    return {
        **result,
        "measures": [found for found in result["measures"] if found["study"] in studies],
        "collections": {n: c for n, c in result["collections"].items() if n in names},
        "not_run": {},
    }


def as_finding(row: dict) -> Finding:
    """A row, as verdicts are made of it."""
    return FoundTable.model_validate(row).as_finding()


def join(claim: Claim, new: dict, earlier: dict | None, *asked: str) -> dict:
    others = [study for study in claim.at("quick") if study.name not in asked]
    return joined(new, earlier, claim, others, "quick")


@pytest.mark.parametrize("name", SEVERAL)
def test_parts_one_after_the_other_are_the_whole(name):
    claim, result = whole(name)
    found = None
    names = [study.name for study in claim.at("quick")]
    for n, study in enumerate(reversed(names), start=1):
        found = join(claim, part(claim, result, study), found, study)
        check_result(found)
        assert sorted(found["not_asked"]) == sorted(names[: len(names) - n])
    assert found["measures"] == result["measures"]
    assert found["verdict"] == result["verdict"]
    assert found["collections"] == result["collections"]
    assert found["seeds"] == result["seeds"]
    assert found["not_run"] == {}
    assert found["versions"] == result["versions"], "none is named twice"
    assert found["judged_with"] == result["judged_with"]


@pytest.mark.parametrize(
    ("name", "study", "of_part"),
    [
        ("robust", "lenet with half of the training images", "holds"),
        ("synthetic", "symmetric Gaussians", "does not hold"),
    ],
)
def test_a_part_is_no_verdict_that_takes_all(name, study, of_part):
    claim, result = whole(name)
    assert {found["verdict"] for found in part(claim, result, study)["measures"]} == {of_part}
    found = join(claim, part(claim, result, study), None, study)
    assert found["verdict"] == "inconclusive"
    page = page_of({"quick": found})
    assert f"This is a part of the claim: *{found['not_asked'][0]}* was not asked for" in page
    found["verdict"] = of_part
    with pytest.raises(LearnOrderError, match="'inconclusive' follows from its findings"):
        check_result(found)


def test_one_that_does_not_hold_is_enough_in_a_part_too():
    claim, result = whole("across-architectures")
    found = join(claim, part(claim, result, "CIFAR-10"), None, "CIFAR-10")
    assert found["verdict"] == "does not hold"
    assert set(found["not_run"].values()) == {
        "its study, Fashion-MNIST, was not asked for",
        "its study, 20 Newsgroups, was not asked for",
    }


def test_a_study_whose_data_are_missing_now_keeps_its_earlier_findings():
    claim, result = whole("across-architectures")
    now = part(claim, result, "Fashion-MNIST") | {"not_run": {"cifar10/mlp": "no data"}}
    found = join(claim, now, result, "Fashion-MNIST", "CIFAR-10")
    assert found["measures"] == result["measures"]
    assert not found["not_run"]
    first = join(claim, now, None, "Fashion-MNIST", "CIFAR-10")
    assert first["not_asked"] == ["20 Newsgroups"]
    assert first["not_run"]["cifar10/mlp"] == "no data"
    for collection in result["collections"].values():
        collection["spec"] = {**collection["spec"], "new": 1}
    found = join(claim, now, result, "Fashion-MNIST", "CIFAR-10")
    assert "CIFAR-10" not in {of["study"] for of in found["measures"]}, "of another spec"


def test_a_study_without_data_in_the_earlier_result_was_asked_for():
    claim, result = whole("robust")
    first, second = (study.name for study in claim.at("quick"))
    earlier = part(claim, result, second) | {"not_run": {"fashion-mnist/lenet-he": "no data"}}
    found = join(claim, part(claim, result, second), earlier, second)
    assert found["not_asked"] == []
    assert found["verdict"] == "holds", "what cannot be had is named and does not count"
    assert found["not_run"] == {"fashion-mnist/lenet-he": "no data"}
    assert first not in {of["study"] for of in found["measures"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "another"}, "it was judged by another rule"),
        ({"since": "2026-01-01T00:00:00+00:00"}, "it was judged by a rule of another date"),
        ({"thresholds": {"correlation": 0.6}}, "it was judged by other thresholds"),
        ({"level": 0.9}, "level is 0.9, which is not that of the rule"),
        (
            {"level": 0.9, "rule": "x"},
            "by another rule; it was judged by intervals that do not cover 0.95",
        ),
        ({"thresholds": "none"}, "is no result of a claim"),
        ({"judged_with": None}, "is no result of a claim"),
    ],
)
def test_an_earlier_result_that_does_not_fit_is_refused_before_training(change, message, tmp_path):
    claim, result = whole("across-architectures")
    place = tmp_path / "across-architectures.json"
    place.write_text(json.dumps({**result, **change}))
    with pytest.raises(LearnOrderError, match=message) as refused:
        earlier_result(place, claim, claim.at("quick")[1:], "quick")
    assert "Without --study the claim is run whole" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_seeds_or_studies_of_an_earlier_result_are_refused(tmp_path):
    claim, result = whole("across-architectures")
    place = tmp_path / "across-architectures.json"
    place.write_text(json.dumps(result))
    others = claim.at("quick")[1:]
    assert earlier_result(place, claim, others, "quick") == result
    about = result["collections"]["cifar10/mlp"]
    about["seeds"], about["failed"] = about["seeds"][1:], {"0": "it diverged"}
    about["n_replicates"] -= 1
    place.write_text(json.dumps(result))
    assert earlier_result(place, claim, others, "quick") == result, "one that diverged is of it"
    about["failed"] = {}
    place.write_text(json.dumps(result))
    with pytest.raises(LearnOrderError, match="its cifar10/mlp has other seeds"):
        earlier_result(place, claim, others, "quick")
    assert earlier_result(place, claim, others[1:], "quick") == result, "it is trained anew"
    result["measures"][0]["study"] = "gone"
    place.write_text(json.dumps(result))
    with pytest.raises(LearnOrderError, match="has no finding of 'Fashion-MNIST"):
        earlier_result(place, claim, others[1:], "quick")


def test_other_data_under_one_name_are_not_joined():
    claim, result = whole("across-architectures")
    for about in result["collections"].values():
        about["data"] = "of then"
    new = deepcopy(part(claim, result, "CIFAR-10"))
    assert join(claim, new, result, "CIFAR-10")["measures"] == result["measures"]
    for about in new["collections"].values():
        about["data"] = "of now"
    assert join(claim, new, result, "CIFAR-10")["verdict"] == result["verdict"], "none of it stays"
    claim, result = whole("robust")
    first, *_ = (study.name for study in claim.at("quick"))
    for about in result["collections"].values():
        about["data"] = "of then"
    new = deepcopy(part(claim, result, first))
    for about in new["collections"].values():
        about["data"] = "of now"
    with pytest.raises(LearnOrderError, match=r"other data than fashion-mnist/lenet.*as --out\.$"):
        join(claim, new, result, first)


def test_a_result_without_some_of_its_subjects_is_none():
    """Nobody may choose a verdict by leaving out findings."""
    claim, kept = whole("across-architectures")
    for change, words in (
        (lambda rows: rows.pop(3), "measures has no finding of 'Fashion-MNIST / "),
        (lambda rows: rows.append(rows[0]), "measures has a finding too many of 'Fashion-MNIST /"),
        (lambda rows: rows[0].update(split="more"), "measures has no finding of "),
    ):
        result = deepcopy(kept)
        change(result["measures"])
        result["verdict"] = str(verdict_of(claim, [as_finding(r) for r in result["measures"]]))
        with pytest.raises(LearnOrderError, match=words):
            check_result(result)
    with pytest.raises(LearnOrderError, match="'gone', which is no study"):
        check_result({**kept, "not_asked": ["gone"]} | {"verdict": kept["verdict"]})
    for part in ("corrected", "containment"):
        for change, words in (
            ({"threshold": -5.0}, f"{part}' asked to lie above -5.0, which its rule does not"),
            ({"side": None}, f"{part}' asked to lie None 0"),
        ):
            result = deepcopy(kept)
            row = next(r for r in result["measures"] if r["because"][part] == "holds")
            row["measures"][part] |= change
            with pytest.raises(LearnOrderError, match=re.escape(words)):
                check_result(result)
    result = deepcopy(kept)
    row = next(r for r in result["measures"] if r["because"]["containment"] == "inconclusive")
    del row["because"]["containment"]
    row["verdict"] = str(all_of(map(Verdict, row["because"].values())))
    with pytest.raises(LearnOrderError, match=r"parts '[a-z, ]*', which are not those of its rule"):
        check_result(result)
    with pytest.raises(LearnOrderError, match=r"level is 0\.9, which is not that of the rule"):
        check_result({**kept, "level": 0.9})


def test_a_part_without_a_threshold_or_that_is_left_out_speaks_for_nothing():
    _, kept = whole("across-architectures")
    row = next(r for r in kept["measures"] if r["because"]["containment"] == "holds")
    without = deepcopy(kept)
    at = without["measures"][kept["measures"].index(row)]
    at["measures"]["containment"] |= {"null": None, "threshold": None}
    with pytest.raises(LearnOrderError, match="'holds' for 'containment', which is undefined"):
        check_result(without)
    at = deepcopy(kept)
    for found in at["measures"]:
        found["because"], found["verdict"] = {}, "inconclusive"
    with pytest.raises(LearnOrderError, match="which are not those of its rule"):
        check_result(at | {"verdict": "inconclusive"})


def test_what_a_claim_asks_elsewhere_is_asked_of_no_other_part():
    claim, kept = whole("random-labels")
    kept["measures"][0]["measures"]["order"]["threshold"] = claim.thresholds["accuracy"]
    with pytest.raises(LearnOrderError, match=r"asked to lie below 0\.5, which its rule does not"):
        check_result(kept)


def test_a_claim_about_all_collections_has_one_finding_of_a_study():
    _, kept = whole("generalisation")
    check_result(kept)
    for rows, words in (
        ([], "no finding of 'Fashion-MNIST / test'"),
        (kept["measures"] * 2, "a finding too many of"),
    ):
        with pytest.raises(LearnOrderError, match=words):
            check_result({**kept, "measures": rows})


def test_results_of_other_replicates_than_the_recipe_has_are_told():
    _, kept = whole("random-labels")
    assert differences(kept) == []
    about = kept["collections"]["fashion-mnist/mlp-shuffled"]
    seeds = about["seeds"]
    about["seeds"] = [seed + 1 for seed in seeds]
    assert differences(kept) == ["its fashion-mnist/mlp-shuffled has other seeds"]
    assert "has changed since: its fashion" in page_of({"quick": kept})
    about["seeds"] = seeds
    about["spec"]["training"]["epochs"] += 1
    assert differences(kept) == ["its fashion-mnist/mlp-shuffled was trained by another spec"]
    kept["collections"] = {"gone/one": about}
    assert differences(kept) == ["gone/one is of no study of it any more"]


def test_intervals_of_a_part_are_those_of_the_whole():
    claim, result = whole("other-learners")
    (some,) = with_studies([claim], ["Digits"], "quick", each=True)
    assert level_of(claim, claim.at("quick")) == result["level"]
    assert level_of(some, some.at("quick")) < result["level"], "so that of the whole is taken"
