"""Claims and collections as small as they go, for tests that run them."""

from __future__ import annotations

from dataclasses import replace

from learnorder.claims import Scale, recipe
from learnorder.claims.budget import Budget
from learnorder.claims.recipe import all_claims
from learnorder.collection.train import train_collection
from learnorder.training.spec import TrainingSpec

OF_RECIPE = recipe.collection
SIX = ("linear", "mlp", "lenet", "mlp-pca", "lenet-permuted", "lenet-rate-low")
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


def trained_here(spec, seeds, *, out, report=None, **_: object):
    """Train without processes; what comes of that is read as ever."""
    from tests.collection.here import train_here  # loads PyTorch, which not all need

    train_here(out, spec, None, seeds)
    return train_collection(spec, seeds, out=out, report=report)
