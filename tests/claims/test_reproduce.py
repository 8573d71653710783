"""Tiny versions of all claims, trained for real: verdicts, files, pages, going on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.claims.tiny_claims import shrunk, trained_here, trimmed, unknown_budget

from learnorder.claims import Scale, check, recipe, result_file
from learnorder.claims import reproduce as reproduction
from learnorder.claims.pages import write_pages
from learnorder.claims.recipe import all_claims
from learnorder.claims.results import read_result
from learnorder.claims.verdicts import Verdict
from learnorder.errors import LearnOrderError
from learnorder.training.spec import TrainingSpec


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(recipe, "collection", shrunk)
    for module in (reproduction, result_file, check):
        monkeypatch.setattr(module, "find_claims", trimmed)


@pytest.mark.slow
def test_every_claim_comes_to_a_verdict_and_a_page(tiny, data_dir, tmp_path, monkeypatch):
    news = []
    with monkeypatch.context() as patch:
        # measuring each collection first would take half of the time; other tests do
        patch.setattr(reproduction, "measure_budget", unknown_budget)
        found = reproduction.reproduce(out=tmp_path, data=data_dir, workers=1, report=news.append)
    assert list(found) == [claim.id for claim in all_claims()]
    for name, result in found.items():
        assert result["verdict"] in set(Verdict)
        assert result["measures"], name
        assert result["n_replicates"] == 5
        assert not result["not_run"]
        assert json.loads((tmp_path / f"{name}.json").read_text()) == result
        used = {s for study in trimmed([name])[0].studies for s in study.collections}
        assert set(result["seeds"]) == used
        for of, seeds in result["seeds"].items():
            assert seeds == list(recipe.collection(of, "quick").seeds[:5])
        assert result["versions"]["learnorder"]
    stages = [n for n in news if isinstance(n, reproduction.Stage)]
    trained = {n.collection for n in stages}
    assert len(trained) == stages[0].total, "logs are shared between claims"

    again = reproduction.reproduce(["robust"], out=tmp_path, data=data_dir, report=news.append)
    budget = next(n for n in reversed(news) if isinstance(n, reproduction.Budget))
    assert set(budget.costs.values()) == {None}
    assert again["robust"]["measures"] == found["robust"]["measures"]

    folder = tmp_path / "docs"
    (folder / "results").mkdir(parents=True)
    for name in found:
        (folder / "results" / f"{name}.json").write_bytes((tmp_path / f"{name}.json").read_bytes())
    written = write_pages(folder)
    assert len(written) == 2 * len(found) + 1
    before = {path: path.read_bytes() for path in written}
    write_pages(folder)
    assert {path: path.read_bytes() for path in written} == before
    page = (folder / "robust.md").read_text()
    assert f"## At the quick scale: {found['robust']['verdict']}" in page
    assert all(f"](../{n}" not in page for n in found)


def test_data_that_are_missing_are_named_and_the_others_run(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    news = []
    found = reproduction.reproduce(
        ["other-learners"], out=tmp_path / "out", data=tmp_path, workers=1, report=news.append
    )["other-learners"]
    assert not found["not_run"]
    assert {f["study"] for f in found["measures"]} == {"Digits"}
    found = reproduction.reproduce(
        ["robust"], out=tmp_path / "out", data=tmp_path, workers=1, report=news.append
    )["robust"]
    assert all(name.startswith("fashion-mnist") for name in found["not_run"])
    assert "hf download zalando-datasets/fashion_mnist" in next(iter(found["not_run"].values()))
    assert (found["status"], found["verdict"], found["measures"]) == ("not run", None, [])
    assert "without the dataset 'fashion-mnist'" in found["reason"]
    status = json.loads((tmp_path / "out" / "robust.status.json").read_text())
    assert status == found
    assert not (tmp_path / "out" / "robust.json").exists()


def two_studies(names):
    """The claim of one architecture on Fashion-MNIST, in two studies."""
    (claim,) = [c for c in all_claims() if c.id == "same-architecture"]
    of_two = [("linear", "fashion-mnist/linear"), ("mlp", "fashion-mnist/mlp")]
    studies = [
        claim.studies[0].model_copy(update={"name": name, "collections": [of], "scales": ["quick"]})
        for name, of in of_two
    ]
    return [claim.model_copy(update={"studies": studies})]


def test_a_claim_is_run_study_by_study(data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "collection", shrunk)
    for module in (reproduction, result_file, check):
        monkeypatch.setattr(module, "find_claims", two_studies)
    monkeypatch.setattr(reproduction, "train_collection", trained_here)
    monkeypatch.setattr(reproduction, "measure_budget", unknown_budget)

    def of(*studies, out="parts", names=("same-architecture",)):
        place = tmp_path / out
        found = reproduction.reproduce(names, out=place, data=data_dir, studies=studies)
        return found["same-architecture"]

    first = of("mlp")
    assert {f["study"] for f in first["measures"]} == {"mlp"}
    assert first["not_run"] == {"fashion-mnist/linear": "its study, linear, was not asked for"}
    place = tmp_path / "parts" / "same-architecture.json"
    assert read_result(place) == first

    monkeypatch.setattr(reproduction, "trained_with", lambda _: {"torch": "3", "trained_to": "z"})
    both = of("linear")
    whole = of(out="whole")
    assert both["measures"] == whole["measures"]
    assert both["verdict"] == whole["verdict"]
    assert both["collections"] == whole["collections"]
    assert both["seeds"] == whole["seeds"]
    assert not both["not_run"]
    assert both["versions"]["torch"] == f"{first['versions']['torch']} and 3"
    assert both["versions"]["trained_from"] == first["versions"]["trained_from"]
    assert both["versions"]["trained_to"] == "z"
    assert read_result(place) == both

    with pytest.raises(LearnOrderError, match=r"'lenet' is no study .* Known are: 'linear'; 'mlp'"):
        of("lenet")
    other = dict(both, rule="another", measures=both["measures"])
    place.write_text(json.dumps(other))
    refused = of("mlp")
    assert refused["status"] == "interrupted"
    assert "cannot be kept: it was judged by another rule" in refused["reason"]
    assert json.loads(place.read_text()) == other
    both["collections"]["fashion-mnist/linear"]["spec"]["training"]["epochs"] = 99
    place.write_text(json.dumps(both))
    assert "its fashion-mnist/linear was trained by another spec" in of("mlp")["reason"]
    assert of()["measures"] == whole["measures"], "whole, it replaces what was there"


def test_an_interrupted_claim_is_marked_and_gone_on_with(tiny, tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduction, "measure_budget", unknown_budget)
    with monkeypatch.context() as patch:
        patch.setattr(reproduction, "train_collection", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reproduction.reproduce(
                ["other-learners"], out=tmp_path / "out", data=tmp_path, workers=1
            )
    status = tmp_path / "out" / "other-learners.status.json"
    left = json.loads(status.read_text())
    assert (left["status"], left["verdict"]) == ("interrupted", None)
    assert "stopped by Ctrl-C. Run the same command again" in left["undefined"]["verdict"]
    assert not (tmp_path / "out" / "other-learners.json").exists()
    found = reproduction.reproduce(
        ["other-learners"], out=tmp_path / "out", data=tmp_path, workers=1
    )
    assert found["other-learners"]["status"] == "done"
    assert found["other-learners"]["measures"]
    assert not status.exists()


def test_a_replicate_that_diverges_is_counted_and_named(tiny, tmp_path, monkeypatch):
    def diverging(name: str, scale: Scale) -> recipe.Collection:
        found = shrunk(name, scale)
        if not name.endswith("/mlp"):
            return found
        tables = found.spec.resolved()
        tables["architecture"].pop("revision", None)
        tables["optimizer"]["learning_rate"] = 1e30
        return replace(found, spec=TrainingSpec.from_tables(tables))

    monkeypatch.setattr(recipe, "collection", diverging)
    monkeypatch.setattr(reproduction, "measure_budget", unknown_budget)
    found = reproduction.reproduce(
        ["other-learners"], out=tmp_path / "out", data=tmp_path, workers=1
    )
    about = found["other-learners"]["collections"]["digits/mlp"]
    assert about["n_replicates"] == 0
    seeds = [str(seed) for seed in shrunk("digits/mlp", "quick").seeds]
    assert list(about["failed"]) == seeds
    assert "diverged" in about["failed"][seeds[0]]
    assert found["other-learners"]["verdict"] == "inconclusive"


def test_there_are_no_pages_without_results(tmp_path):
    with pytest.raises(LearnOrderError, match="no finished result"):
        write_pages(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "robust.json").write_text("{}")
    with pytest.raises(LearnOrderError, match="is no result of a claim"):
        write_pages(tmp_path)
