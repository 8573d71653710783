"""The result of a claim as a file: everything that a page and a figure are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from learnorder.claims import SCALES, Scale
from learnorder.claims.check import check_result
from learnorder.claims.evidence import Finding
from learnorder.claims.recipe import Claim, Collection
from learnorder.claims.verdicts import Verdict
from learnorder.errors import LearnOrderError
from learnorder.log.files import write_durably

LARGEST_FILE = 16 * 2**20
"""Bytes. The largest of ours have a hundredth of it."""

DONE, RUNNING, INTERRUPTED, NOT_RUN = "done", "running", "interrupted", "not run"

GO_ON = "Run the same command again to go on."


def place_of(claim: str, scale: Scale) -> Path:
    """Where the result of a claim lies: of a scale larger than quick, in a folder of its name."""
    return Path("" if scale == SCALES[0] else scale, f"{claim}.json")


def status_place(result: Path) -> Path:
    """Where it is said that a claim has no new result: beside an older one, which stays."""
    return result.with_suffix(".status.json")


def result_of(
    claim: Claim,
    scale: Scale,
    *,
    level: float,
    verdict: Verdict,
    findings: Sequence[Finding],
    collections: Sequence[Mapping[str, Any]],
    not_run: Mapping[str, str],
    versions: Mapping[str, Any],
    judged_with: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of the file, as plain JSON types.

    ``level`` is the coverage of the intervals; ``n_replicates`` is the smallest number that went
    into a finding; ``seeds`` are those trained, by collection; ``not_run`` has collections that
    could not be trained, with the reason, ``not_asked`` studies that were left out, see
    `other_studies`; ``versions`` are those that the replicates were trained
    with, ``judged_with`` those of now.
    """
    return {
        **_head(claim, scale, DONE),
        "verdict": str(verdict),
        "level": level,
        "n_replicates": min((f.n_replicates for f in findings), default=0),
        "measures": [finding.to_dict() for finding in findings],
        "collections": {str(c["name"]): dict(c) for c in collections},
        "seeds": {str(c["name"]): c["seeds"] for c in collections},
        "not_run": dict(not_run),
        "not_asked": [],
        "versions": dict(versions),
        "judged_with": dict(judged_with),
        "undefined": {},
    }


def unfinished(
    claim: Claim,
    scale: Scale,
    status: str,
    reason: str,
    not_run: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what is said of a claim that is under way, was interrupted, or could not be run."""
    return {
        **_head(claim, scale, status),
        "reason": reason,
        "verdict": None,
        "n_replicates": 0,
        "measures": [],
        "not_run": dict(not_run or {}),
        "undefined": {"verdict": f"the claim is {status}: {reason}"},
    }


def about(
    collection: Collection, finished: Sequence[int], failed: Mapping[int, str], data: str
) -> dict[str, Any]:
    """Return what became of a collection: replicates that diverged are counted and named.

    ``data`` is the fingerprint of the dataset, of its ids and labels.
    """
    return {
        "name": collection.name,
        "about": collection.about,
        "n_replicates": len(finished),
        "seeds": list(finished),
        "failed": {str(seed): reason for seed, reason in failed.items()},
        "epochs": collection.spec.training.epochs,
        "data": data,
        "spec": collection.spec.resolved(),
    }


def _head(claim: Claim, scale: Scale, status: str) -> dict[str, Any]:
    return {
        "claim": claim.id,
        "statement": claim.claim,
        "scale": scale,
        "status": status,
        **claim.judged_by,
    }


def write_result(path: Path, content: Mapping[str, Any]) -> None:
    """Write a finished result whole, or not at all; what was said of it before is done with."""
    _write(path, content)
    status_place(path).unlink(missing_ok=True)


def write_status(path: Path, content: Mapping[str, Any]) -> None:
    """Say beside the place of a result that there is no new one yet, see `unfinished`."""
    _write(status_place(path), content)


def was_left_running(path: Path) -> bool:
    """Whether a run said that it is at a claim, and never how that ended."""
    try:
        content = json.loads(status_place(path).read_text(encoding="utf-8"))
        return bool(content["status"] == RUNNING)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # it is written anew


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    write_durably(path.resolve(), (text + "\n").encode())


def read_result(path: Path) -> dict[str, Any]:
    """Read the result of a claim, and check it from end to end.

    Raises
    ------
    LearnOrderError
        It is none: it cannot be read, is too large, a field is missing or is not what it has to
        be, or the verdict does not follow from the findings.
    """
    try:
        # a little more than it may have, whatever the size of the file
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise ValueError(f"it has more than {LARGEST_FILE // 2**20} MiB")
        content = json.loads(raw.decode("utf-8"), parse_constant=_refused)
        check_result(content)
    except (OSError, ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise LearnOrderError(
            f"claims: {path} is no result of a claim ({' '.join(str(reason).split())}). "
            "`learnorder reproduce` writes them. Run it again, or leave this file out."
        ) from error
    return dict(content)


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} stands in it, which is no number of JSON")
