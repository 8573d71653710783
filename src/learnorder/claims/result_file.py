"""What a result file has to be before a page or a figure is made of it.

Results are data that may come from anywhere, so every field that is read is checked: its type, its
range, and that verdicts follow from intervals and thresholds, and the claim's from those of all
subjects. Fields that are not known here are ignored: a later version may add some, and nothing is
made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from learnorder.claims import Scale
from learnorder.claims.evidence import Finding, Measured
from learnorder.claims.judging import judged, verdict_of, verdict_of_parts
from learnorder.claims.recipe import ORDER, find_claims
from learnorder.claims.verdicts import Verdict
from learnorder.errors import nearest

LARGEST_NUMBER = 1e9
"""Quantities are shares, correlations and their differences; beyond this nothing can be drawn."""


def _known_claim(name: str) -> str:
    if name not in ORDER:
        raise ValueError(f"is no claim. {nearest(name, ORDER)}")
    return name


def _a_date(text: str) -> str:
    date = datetime.fromisoformat(text)
    if date.tzinfo is None:
        raise ValueError("has no time zone")
    try:
        date.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of the range of dates") from None
    return text


def _ordered(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError("has its lower end above its upper end")
    return ends


Number = Annotated[float, Field(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Words = Annotated[str, Field(min_length=1, max_length=20_000)]
Ends = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
ClaimId = Annotated[str, AfterValidator(_known_claim)]
Judged = Literal["holds", "does not hold", "inconclusive"]
Origins = dict[Words, Any]

COLUMNS: Mapping[str, TypeAdapter[Any]] = {
    "collection": TypeAdapter(list[Words], config=ConfigDict(strict=True)),
    "epoch": TypeAdapter(list[Number], config=ConfigDict(strict=True)),
    "_ci": TypeAdapter(list[Ends | None], config=ConfigDict(strict=True)),
    "": TypeAdapter(list[Number | None], config=ConfigDict(strict=True)),
}
"""What a column of curves holds, by its name or how that ends."""


class FileTable(BaseModel):
    """An object of the file: known fields are strict, others are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class Measure(FileTable):
    """A value with interval, null and threshold; what is missing has a reason."""

    value: Number | None
    ci: Ends | None
    null: Ends | None
    threshold: Number | None
    side: Literal["above", "below"] | None = None
    undefined: dict[Words, Words]

    @model_validator(mode="after")
    def _reasons(self) -> Self:
        for name in ("value", "ci"):
            if getattr(self, name) is None and name not in self.undefined:
                raise ValueError(f"has no {name}, and no reason for it in undefined")
        if self.ci and self.value is not None and not self.ci[0] <= self.value <= self.ci[1]:
            raise ValueError(f"has the value {self.value:g} outside its interval {self.ci}")
        return self

    def judged(self, part: str) -> Verdict | None:
        """What it comes to as a part of a rule; None where no side of a threshold is given."""
        if self.side is None or self.threshold is None:
            return None
        ends = (self.ci[0], self.ci[1]) if self.ci else None
        found = Measured(self.value, ends, threshold=self.threshold, side=self.side)
        return judged(part, found)


class FoundTable(FileTable):
    """A finding."""

    study: Words
    subject: Words
    split: Words
    verdict: Judged
    because: dict[Words, Judged]
    n_replicates: Count
    measures: dict[Words, Measure]
    curves: dict[Words, list[Any]]
    undefined: dict[Words, Words]

    @model_validator(mode="after")
    def _follows(self) -> Self:
        unknown = [part for part in self.because if part not in self.measures]
        if unknown:
            raise ValueError(f"is judged by {unknown[0]!a}, which is none of its measures")
        if not self.measures and "measures" not in self.undefined:
            raise ValueError("has no measures, and no reason for it in undefined")
        because = {part: Verdict(verdict) for part, verdict in self.because.items()}
        if self.verdict != verdict_of_parts(because, self.n_replicates):
            parts = ", ".join(f"{part!a}: {v}" for part, v in self.because.items()) or "nothing"
            raise ValueError(f"is judged {self.verdict!r}, which does not follow from {parts}")
        return self

    @model_validator(mode="after")
    def _curves(self) -> Self:
        for name, values in self.curves.items():
            end = "_ci" if name.endswith("_ci") else ""
            try:
                COLUMNS.get(name, COLUMNS[end]).validate_python(values)
            except ValidationError as error:
                raise ValueError(f"has the curve {name!a}, where {first_mistake(error)}") from None
        lengths = {name: len(values) for name, values in self.curves.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name!a} {n}" for name, n in lengths.items())
            raise ValueError(f"has curves of different length ({listed})")
        return self

    @model_validator(mode="after")
    def _parts(self) -> Self:
        for part, said in self.because.items():
            found = self.measures[part].judged(part)
            if found is not None and found != said:
                raise ValueError(
                    f"has {said!r} for {part!a}, but {str(found)!r} follows from its interval"
                )
        return self

    def as_finding(self) -> Finding:
        """Return what a verdict is made of."""
        because = {part: Verdict(verdict) for part, verdict in self.because.items()}
        return Finding(
            study=self.study,
            subject=self.subject,
            split=self.split,
            verdict=Verdict(self.verdict),
            because=because,
            measures={},
            n_replicates=self.n_replicates,
        )


class DatasetTable(FileTable):
    """What a page says of the dataset of a collection."""

    train_limit: Count | None
    test_limit: Count | None


class SpecTable(FileTable):
    """What a page says of a spec."""

    dataset: DatasetTable


class TrainedTable(FileTable):
    """What became of a collection."""

    about: Words
    n_replicates: Count
    failed: dict[Annotated[str, Field(pattern="^[0-9]{1,10}$")], Words]
    epochs: Number
    seeds: list[Count]
    spec: SpecTable
    data: Words | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.n_replicates != len(self.seeds):
            raise ValueError(f"has {self.n_replicates} replicates, but {len(self.seeds)} seeds")
        return self


class HeadTable(FileTable):
    """What every result has, finished or not."""

    claim: ClaimId
    scale: Scale
    status: Literal["done", "running", "interrupted", "not run"]


class ResultTable(HeadTable):
    """The result of a claim."""

    statement: Words
    rule: Words
    since: Annotated[str, AfterValidator(_a_date)] | None = None
    together: Literal["all", "any"]
    thresholds: dict[Words, Number] = Field(default_factory=dict)
    verdict: Judged
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    measures: list[FoundTable]
    collections: dict[Words, TrainedTable]
    not_run: dict[Words, Words]
    not_asked: list[Words] = Field(default_factory=list)
    versions: Origins
    judged_with: Origins

    @model_validator(mode="after")
    def _follows(self) -> Self:
        (claim,) = find_claims([self.claim])
        claim = claim.model_copy(update={"together": self.together})
        found = [found.as_finding() for found in self.measures]
        verdict = verdict_of(claim, found, self.not_asked)
        if verdict != self.verdict:
            raise ValueError(
                f"is judged {self.verdict!r}, but {str(verdict)!r} follows from its findings"
            )
        return self

    @model_validator(mode="after")
    def _origins(self) -> Self:
        for name in ("versions", "judged_with"):
            for key, value in cast("Origins", getattr(self, name)).items():
                values = value if isinstance(value, list) else [value]
                if not all(v is None or isinstance(v, str | int | float) for v in values):
                    raise ValueError(f"has {shown(value)} as {name}.{key!a}, which is no text")
                for text in values:
                    _encodable(text, f"{name}.{key!a}")
        begun = self.versions.get("trained_from")
        if begun is not None:
            try:
                _a_date(str(begun))
            except ValueError as error:
                raise ValueError(
                    f"has {shown(begun)} as versions.'trained_from': {error}"
                ) from None
        return self


def _encodable(text: object, place: str) -> None:
    if isinstance(text, str) and not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"has {shown(text)} as {place}, which is no valid text") from None


def first_mistake(error: ValidationError) -> str:
    """Say where the first mistake is, and what stands there."""
    found = error.errors(include_url=False, include_context=False)[0]
    at = [part for part in found["loc"] if part != "[key]"]
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{ascii(p)[1:-1][:60]}" for p in at)
    place = place.removeprefix(".") or "it"
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "value_error":
        return f"{place} {message}"
    if found["type"] == "missing":
        return f"{place} is missing"
    message = message.replace("\n", " ")
    return f"{place} is {shown(found['input'])}: {message[0].lower()}{message[1:]}"


def shown(value: object) -> str:
    """Return a value as it stands in the file, in ASCII and no longer than a line."""
    if isinstance(value, dict | list):
        kind, noun = ("an object", "fields") if isinstance(value, dict) else ("a list", "entries")
        return f"{kind} with {len(value)} {noun}"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
