"""What is trained for a claim and how it is judged, read from the TOML files beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from learnorder.claims import SCALES, Scale
from learnorder.errors import LearnOrderError, nearest
from learnorder.training.spec import TrainingSpec
from learnorder.training.tables import laid_over

RuleName = Literal[
    "shared", "broken", "same-order", "starts-alike", "other-order", "agrees", "goes-with-accuracy"
]


class Table(BaseModel):
    """A TOML table of a recipe: unknown keys are mistakes of ours."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Part(Table):
    """Tables laid over those before: ``replicates``, from which seed on, and parts of a spec."""

    replicates: int | None = Field(default=None, ge=1)
    first_seed: int | None = Field(default=None, ge=0)
    spec: dict[str, Any] = Field(default_factory=dict)


class CollectionTable(Part):
    """One collection of a dataset, with what differs at a scale."""

    about: str
    quick: Part = Part()
    medium: Part = Part()
    full: Part = Part()


class CollectionsTable(Part):
    """A file of collections: what they have in common, then each."""

    title: str
    quick: Part = Part()
    medium: Part = Part()
    full: Part = Part()
    collections: dict[str, CollectionTable]


SEEDS_BETWEEN = 1000
"""Of a dataset, collections have seeds of their own, so many apart, by their place in the file (new
ones go to its end). With equal seeds networks of one architecture would begin as copies of each
other, and all would see the examples in one order: what they share by that would be taken for an
order in common."""

AnyTable = TypeVar("AnyTable", bound=Table)


@dataclass(frozen=True)
class Collection:
    """Replicates to train, at one scale.

    Attributes
    ----------
    name
        ``dataset/what``, as in the recipes.
    about
        What it is, in a few words.
    spec
        What is trained.
    seeds
        One replicate each.
    """

    name: str
    about: str
    spec: TrainingSpec
    seeds: tuple[int, ...]


class Study(Table):
    """Collections that are judged together.

    Attributes
    ----------
    name
        Of the study; results are listed under it.
    collections
        Their names. Where one is held against the others, it comes first.
    splits
        Splits that are judged.
    scales
        Scales at which the study is made.
    """

    name: str
    collections: list[str] = Field(min_length=1)
    splits: list[str] = Field(default_factory=lambda: ["train", "test"])
    scales: list[Scale] = Field(default_factory=lambda: list(SCALES))


class Claim(Table):
    """A claim of the paper.

    Attributes
    ----------
    id
        By which it is called.
    claim
        In a sentence.
    rule
        How evidence is judged; ``because`` says what it asks for in words and why.
    since
        When the rule, a number of it, or what it is asked of was last changed: what was trained or
        judged before was not judged blindly.
    together
        Whether all subjects have to hold, or one is enough.
    thresholds
        Numbers of the rule.
    studies
        What is looked at.
    """

    id: str
    claim: str
    rule: RuleName
    because: str
    since: datetime
    together: Literal["all", "any"] = "all"
    thresholds: dict[str, float] = Field(default_factory=dict)
    studies: list[Study]

    @property
    def judged_by(self) -> dict[str, Any]:
        """What results keep of the rule: by this they are told from those of another."""
        return {
            "rule": self.because,
            "since": self.since.isoformat(),
            "together": self.together,
            "thresholds": dict(self.thresholds),
        }

    def at(self, scale: Scale) -> list[Study]:
        """Studies made at a scale."""
        return [study for study in self.studies if scale in study.scales]


ORDER = (
    "same-architecture",
    "benchmarks",
    "across-architectures",
    "robust",
    "out-of-sample",
    "random-labels",
    "synthetic",
    "other-learners",
    "generalisation",
)
"""The claims, as the paper makes them."""


@cache
def all_claims() -> tuple[Claim, ...]:
    """Every claim, in the order of the paper."""
    found = {name: _checked(Claim, tables) for name, tables in _tables("claims")}
    return tuple(found[name] for name in ORDER)


def find_claims(names: Sequence[str]) -> list[Claim]:
    """Claims by name, all of them without names.

    Raises
    ------
    LearnOrderError
        A name is none of a claim.
    """
    claims = {claim.id: claim for claim in all_claims()}
    for name in names:
        if name not in claims:
            raise LearnOrderError(
                f"reproduce: {name!r} is no claim. {nearest(name, claims)} "
                "`learnorder reproduce --list` says what each is."
            )
    return [claims[name] for name in dict.fromkeys(names)] or list(claims.values())


def with_studies(
    claims: Sequence[Claim], names: Sequence[str], scale: Scale, *, each: bool
) -> list[Claim]:
    """Claims with these of their studies alone; without names, the claims as they are.

    Parameters
    ----------
    claims
        With all their studies.
    names
        Of studies.
    scale
        At which they are made.
    each
        Whether every claim has to have one of them; else those that have none are left out.

    Raises
    ------
    LearnOrderError
        No claim has a study of a name at this scale, or a claim has none of them.
    """
    if not names:
        return list(claims)
    by_claim = {claim.id: [study.name for study in claim.at(scale)] for claim in claims}
    listing = f"`learnorder reproduce --list --scale {scale}` names them"
    for name in names:
        if not any(name in of for of in by_claim.values()):
            known = dict.fromkeys(study for of in by_claim.values() for study in of)
            raise LearnOrderError(
                f"reproduce: {name!r} is no study of {', '.join(by_claim)} at the scale {scale}. "
                f"Known are: {'; '.join(map(repr, known))}. {listing}."
            )
    for claim, of in by_claim.items():
        if each and not set(of) & set(names):
            raise LearnOrderError(
                f"reproduce: {claim} has none of the studies that are asked for at the scale "
                f"{scale}. It has: {'; '.join(map(repr, of)) or 'none'}. Leave the claim out, or "
                "ask for one of these."
            )
    some = [
        claim.model_copy(update={"studies": [s for s in claim.at(scale) if s.name in names]})
        for claim in claims
    ]
    return [claim for claim in some if claim.studies]


def collections_of(claims: Sequence[Claim], scale: Scale) -> dict[str, Collection]:
    """Every collection that claims need at a scale, each once, in the order they need it."""
    names = (name for claim in claims for study in claim.at(scale) for name in study.collections)
    return {name: collection(name, scale) for name in dict.fromkeys(names)}


def collection(name: str, scale: Scale) -> Collection:
    """A collection at a scale.

    What is given for the scale is laid over what is given for all, and what is given for the
    collection over what is given for the dataset.
    """
    file, _, member = name.partition("/")
    common = _collections()[file]
    own = common.collections[member]
    tables: dict[str, Any] = {}
    replicates, first = 1, 0
    for part in (common, getattr(common, scale), own, getattr(own, scale)):
        tables = laid_over(tables, part.spec)
        replicates = part.replicates or replicates
        first = first if part.first_seed is None else part.first_seed
    spec = TrainingSpec.from_tables(tables, source=f"recipe {name}")
    first += SEEDS_BETWEEN * list(common.collections).index(member)
    return Collection(name, own.about, spec, tuple(range(first, first + replicates)))


@cache
def _collections() -> dict[str, CollectionsTable]:
    return {name: _checked(CollectionsTable, tables) for name, tables in _tables("collections")}


def _tables(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every TOML file of a folder, by its name without the ending."""
    for file in files("learnorder.claims").joinpath("recipes", folder).iterdir():
        if file.name.endswith(".toml"):
            yield file.name.removesuffix(".toml"), tomllib.loads(file.read_text(encoding="utf-8"))


def _checked(kind: type[AnyTable], tables: dict[str, Any]) -> AnyTable:
    try:
        return kind.model_validate(tables)
    except ValidationError as error:
        raise LearnOrderError(f"recipe: {' '.join(str(error).split())}") from error
