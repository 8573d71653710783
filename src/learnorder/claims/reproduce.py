"""Train what claims need, once each, judge them, and write what was found."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from learnorder.claims import Scale
from learnorder.claims.budget import Budget, measure_budget
from learnorder.claims.evidence import Finding
from learnorder.claims.judging import find_evidence, level_of, verdict_of
from learnorder.claims.recipe import Claim, Collection, Study, collections_of, find_claims
from learnorder.claims.results import (
    INTERRUPTED,
    RUNNING,
    about,
    result_of,
    unfinished,
    write_result,
)
from learnorder.collection.prepare import versions
from learnorder.collection.progress import CostEstimate, Progress
from learnorder.collection.train import train_collection
from learnorder.log.provenance import provenance
from learnorder.log.reader import open_log
from learnorder.measures.intervals import at_level


@dataclass(frozen=True)
class Stage:
    """How far a reproduction is.

    Attributes
    ----------
    claim, collection
        What it is at.
    done, total
        Collections trained, and all of them.
    left
        Seconds for all that is left, over all claims.
    training
        Of the collection.
    """

    claim: str
    collection: str
    done: int
    total: int
    left: float
    training: Progress | None = None


News = Budget | Stage | Mapping[str, Any] | str
"""The budget, before anything is trained; how far it is; the result of a claim; or a remark."""

Tell = Callable[[News], None]


def reproduce(
    names: Sequence[str] = (),
    *,
    out: str | Path,
    data: str | Path | None = None,
    scale: Scale = "quick",
    workers: int | None = None,
    report: Tell | None = None,
) -> dict[str, dict[str, Any]]:
    """Reproduce claims of the paper: train, measure, judge.

    Logs are shared between claims, and resumed: what is there is not trained again.

    Parameters
    ----------
    names
        Claims; all of them without names.
    out
        Folder of the results, ``<claim>.json``, and of the logs.
    data
        Folder of the datasets; without it ``$LEARNORDER_DATA``.
    scale
        ``"quick"``, ``"medium"`` or ``"full"``.
    workers
        Processes.
    report
        Told the budget before training, then how far it is, then each result.

    Returns
    -------
    The content of the result files, by claim.

    Raises
    ------
    LearnOrderError
        A name is none of a claim, or something cannot be trained or written.
    """
    claims = find_claims(names)
    run = _Run(Path(out), scale, workers, report or (lambda _: None))
    with _data_root(data):
        return run.all(claims, collections_of(claims, scale))


@contextmanager
def _data_root(folder: str | Path | None) -> Iterator[None]:
    """Let datasets be looked for in a folder."""
    before = os.environ.get("LEARNORDER_DATA")
    if folder is not None:
        os.environ["LEARNORDER_DATA"] = str(Path(folder).expanduser().resolve())
    try:
        yield
    finally:
        if folder is not None:
            os.environ.pop("LEARNORDER_DATA")
            if before is not None:
                os.environ["LEARNORDER_DATA"] = before


@dataclass
class _Run:
    """One reproduction."""

    out: Path
    scale: Scale
    workers: int | None
    tell: Tell
    trained: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What became of collections, by name."""
    estimated: float = 0.0
    """Seconds that what is trained was thought to take."""
    taken: float = 0.0
    """Seconds it took."""

    def log(self, name: str) -> Path:
        """Where the log of a collection lies."""
        return self.out / "logs" / self.scale / f"{name}.zarr"

    def all(
        self, claims: Sequence[Claim], collections: Mapping[str, Collection]
    ) -> dict[str, dict[str, Any]]:
        """Go through the claims."""
        budget = measure_budget(
            collections,
            self.log,
            self.workers,
            lambda done, total: self.tell(f"measuring what it will cost: {done} of {total}"),
        )
        self.tell(budget)
        found = {}
        for claim in claims:
            path = self.out / f"{claim.id}.json"
            write_result(path, unfinished(claim, self.scale, RUNNING))
            try:
                found[claim.id] = self._one(claim, collections, budget)
            except KeyboardInterrupt:
                write_result(path, unfinished(claim, self.scale, INTERRUPTED))
                raise
            write_result(path, found[claim.id])
            self.tell(found[claim.id])
        return found

    def _one(
        self, claim: Claim, collections: Mapping[str, Collection], budget: Budget
    ) -> dict[str, Any]:
        """Train what a claim needs and judge it."""
        level = level_of(claim, claim.at(self.scale))
        findings: list[Finding] = []
        used: dict[str, dict[str, Any]] = {}
        not_run: dict[str, str] = {}
        for study in claim.at(self.scale):
            absent = {n: budget.missing[n] for n in study.collections if n in budget.missing}
            not_run |= absent
            names = [name for name in study.collections if name not in absent]
            for name in names:
                self._train(claim.id, collections[name], budget)
                used[name] = self.trained[name]
            if not _is_enough(claim, study, names):
                continue
            finished = [name for name in names if self.trained[name]["n_replicates"]]
            logs = {name: dict(open_log(self.log(name))) for name in finished}
            shown = study.model_copy(update={"collections": names})
            with at_level(level):
                findings += find_evidence(claim, shown, logs)
        verdict = verdict_of(claim, findings)
        made_by: dict[str, Any] = {}
        for name in used:
            made_by |= provenance(versions(collections[name].spec))
        return result_of(
            claim, self.scale, level, verdict, findings, list(used.values()), not_run, made_by
        )

    def _train(self, claim: str, collection: Collection, budget: Budget) -> None:
        name = collection.name
        if name in self.trained:
            return
        started = time.monotonic()

        def on_news(news: Progress | CostEstimate | str) -> None:
            if isinstance(news, Progress):
                self.tell(self._stage(claim, name, budget, news))
            elif isinstance(news, str) and news.startswith("replicate"):
                self.tell(news)

        self.tell(self._stage(claim, name, budget, None))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # replicates that failed are counted
            result = train_collection(
                collection.spec,
                collection.seeds,
                out=self.log(name),
                workers=self.workers,
                report=on_news,
            )
        self.trained[name] = about(collection, result.finished, result.failed)
        self.estimated += budget.seconds(name)
        self.taken += time.monotonic() - started

    def _stage(self, claim: str, name: str, budget: Budget, news: Progress | None) -> Stage:
        """What is left: as estimated, corrected by what was taken so far."""
        ratio = self.taken / self.estimated if self.estimated else 1.0
        others = [n for n in budget.costs if n not in self.trained and n != name]
        left = ratio * sum(map(budget.seconds, others))
        here = news.left if news is not None else None
        left += ratio * budget.seconds(name) if here is None else here
        return Stage(claim, name, len(self.trained), len(budget.costs), left, news)


def _is_enough(claim: Claim, study: Study, names: Sequence[str]) -> bool:
    """Whether what is left of a study can be judged: the first is what others are held against."""
    if claim.rule in ("same-order", "other-order"):
        return len(names) > 1 and names[0] == study.collections[0]
    return len(names) > (1 if claim.rule == "starts-alike" else 0)
