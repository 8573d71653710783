"""Tiny versions of all claims, trained for real: verdicts, files, pages, going on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from learnorder.claims import Scale, recipe
from learnorder.claims import reproduce as reproduction
from learnorder.claims.budget import Budget
from learnorder.claims.pages import write_pages
from learnorder.claims.recipe import all_claims
from learnorder.claims.verdicts import Verdict
from learnorder.cli.reproduce import budget_lines
from learnorder.errors import LearnOrderError
from learnorder.training.spec import TrainingSpec

OF_RECIPE = recipe.collection
SIX = ("linear", "mlp", "lenet", "mlp-pca", "lenet-permuted", "lenet-noise-20")
"""Conditions: a correlation across them takes so many."""


def shrunk(name: str, scale: Scale) -> recipe.Collection:
    """A collection of a recipe, as small as it goes."""
    found = OF_RECIPE(name, scale)
    tables = found.spec.resolved()
    tables["architecture"].pop("revision", None)
    half = name.endswith("-half")
    tables["dataset"] |= {"train_limit": 32 if half else 64, "test_limit": 40}
    if tables["dataset"]["name"] in ("gabor", "gaussians"):
        tables["dataset"]["options"] |= {"n_train": 64, "n_test": 32}
        tables["dataset"] |= {"train_limit": None, "test_limit": None}
    if (tables["dataset"].get("transform") or {}).get("name") == "pca":
        tables["dataset"]["transform"]["components"] = 8
    tables["training"]["epochs"] = 3
    if "batch_size" in tables["training"]:
        tables["training"]["batch_size"] = 16
    for extra in tables.get("extra", {}).values():
        extra |= {"options": {"n": 20}} if extra["name"] == "noise" else {"limit": 20}
    if tables["architecture"]["name"] in ("st-vgg", "lenet"):
        tables["architecture"]["options"] |= {"width": 2}
    return replace(found, spec=TrainingSpec.from_tables(tables), seeds=found.seeds[:5])


def trimmed(names: tuple[str, ...] | list[str]) -> list[recipe.Claim]:
    """Claims with one study, the last, of few collections that are soon trained."""
    claims = []
    for claim in all_claims():
        study = claim.at("quick")[-1]
        kept = study.collections[:2]
        if claim.rule == "goes-with-accuracy":
            kept = [name for name in study.collections if name.rpartition("/")[2] in SIX]
        studies = [study.model_copy(update={"collections": kept})]
        claims.append(claim.model_copy(update={"studies": studies}))
    return [claim for claim in claims if not names or claim.id in names]


def unknown_budget(collections, *_: object) -> Budget:
    """Every collection can be trained, at a cost that nobody has measured."""
    return Budget(dict.fromkeys(collections), {}, {})


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(recipe, "collection", shrunk)
    monkeypatch.setattr(reproduction, "find_claims", trimmed)


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
        assert all(seeds == [0, 1, 2, 3, 4] for seeds in result["seeds"].values())
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
    assert "LEARNORDER_DATA" in next(iter(found["not_run"].values()))
    assert (found["verdict"], found["measures"]) == ("inconclusive", [])
    budget = [n for n in news if isinstance(n, reproduction.Budget)][-1]
    lines = budget_lines(budget, trimmed(["robust"]))
    assert any("not possible: fashion-mnist" in line for line in lines)


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
    left = json.loads((tmp_path / "out" / "other-learners.json").read_text())
    assert (left["status"], left["verdict"]) == ("interrupted", None)
    assert "run the same command again" in left["undefined"]["verdict"]
    found = reproduction.reproduce(
        ["other-learners"], out=tmp_path / "out", data=tmp_path, workers=1
    )
    assert found["other-learners"]["status"] == "done"


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
    assert set(about["failed"]) == {"0", "1", "2", "3", "4"}
    assert "diverged" in about["failed"]["0"]
    assert found["other-learners"]["verdict"] == "inconclusive"


def test_there_are_no_pages_without_results(tmp_path):
    with pytest.raises(LearnOrderError, match="no finished result"):
        write_pages(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "robust.json").write_text("{}")
    with pytest.raises(LearnOrderError, match="is no result of a claim"):
        write_pages(tmp_path)
