"""What is not at hand: which data, how to get them, what they are for, and what runs without."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from learnorder.claims import Scale
from learnorder.claims.recipe import Claim, Study
from learnorder.claims.rules import RULES
from learnorder.datasets.known import DatasetEntry
from learnorder.datasets.registry import has_folder, known_datasets
from learnorder.errors import DataNotFound, ExtraMissing
from learnorder.training.spec import TrainingSpec


@dataclass(frozen=True)
class Lack:
    """Something that a collection needs and that is not there.

    Attributes
    ----------
    what
        Which.
    how
        How to get it.
    """

    what: str
    how: str

    def __str__(self) -> str:
        return f"{self.what} is not at hand. To have it: {self.how}."


Missing = Mapping[str, Sequence[Lack]]
"""What collections lack, by their names."""


def lacks_of(error: DataNotFound | ExtraMissing, spec: TrainingSpec) -> tuple[Lack, ...]:
    """Everything a spec lacks, given the first that was met.

    A dataset that has a place on the hub may be had from there, so only trying tells.
    """
    entries = {entry.name: entry for entry in known_datasets()}
    needed = [spec.dataset.name, *(extra.name for extra in spec.extra.values())]
    lacking = [entries[name] for name in dict.fromkeys(needed) if name in entries]
    lacking = [e for e in lacking if e.folder is not None and not has_folder(e)]
    found = tuple(_lack(e) for e in lacking if e.hub is None or e.name == error.dataset)
    return found or (Lack("something that training needs", str(error).rstrip(".")),)


def _lack(entry: DatasetEntry) -> Lack:
    what = f"the dataset {entry.name!r}"
    if entry.hub is not None:
        command = f"hf download {entry.hub} --repo-type dataset --local-dir {entry.folder}"
        return Lack(
            what,
            f"in the folder of the datasets, run `{command}`; or, where there is a network, "
            "`pip install 'learnorder[hub]'`, which fetches it",
        )
    made = f", made from {entry.made_from}" if entry.made_from else ""
    how = f"in the folder of the datasets, make {entry.folder!r} with {entry.looked_for}{made}"
    return Lack(what, how)


def possible(claim: Claim, study: Study, missing: Container[str]) -> list[str]:
    """Collections of a study that can be trained; none where they are too few to be judged."""
    names = [name for name in study.collections if name not in missing]
    return names if RULES[claim.rule].is_enough(names, study.collections) else []


def studies_needing(lack: Lack, claims: Sequence[Claim], scale: Scale, missing: Missing) -> str:
    """Say which claims need something at a scale, with the studies."""
    lacking = {name for name, lacks in missing.items() if lack in lacks}
    needing = {
        claim.id: [s.name for s in claim.at(scale) if lacking & set(s.collections)]
        for claim in claims
    }
    return ", ".join(f"{name} ({'; '.join(of)})" for name, of in needing.items() if of)


def left_without(claims: Sequence[Claim], scale: Scale, missing: Missing) -> dict[str, list[str]]:
    """Sort claims by what of them can be judged: ``whole``, ``in part`` or ``not at all``."""
    found: dict[str, list[str]] = {"whole": [], "in part": [], "not at all": []}
    for claim in claims:
        studies = claim.at(scale)
        left = [possible(claim, study, missing) for study in studies]
        whole = all(names == s.collections for names, s in zip(left, studies, strict=True))
        found["whole" if whole else "in part" if any(left) else "not at all"].append(claim.id)
    return found
