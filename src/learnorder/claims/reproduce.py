"""Train what claims need, once each, judge them, and write what was found."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import xarray as xr

from learnorder.claims import Scale
from learnorder.claims.budget import Budget, measure_budget
from learnorder.claims.evidence import Finding
from learnorder.claims.folder import sole_run
from learnorder.claims.judging import find_evidence, level_of, verdict_of
from learnorder.claims.missing import possible
from learnorder.claims.origin import judged_with, trained_with
from learnorder.claims.other_studies import earlier_result, joined, others_of
from learnorder.claims.recipe import (
    Claim,
    Collection,
    collections_of,
    find_claims,
    with_studies,
)
from learnorder.claims.results import (
    DONE,
    GO_ON,
    INTERRUPTED,
    NOT_RUN,
    RUNNING,
    about,
    place_of,
    result_of,
    unfinished,
    was_left_running,
    write_result,
    write_status,
)
from learnorder.collection.engines.local import LocalEngine
from learnorder.collection.processes import ready_to_fork
from learnorder.collection.progress import CostEstimate, Progress
from learnorder.collection.train import TrainingResult, train_collection
from learnorder.errors import LearnOrderError, count_of
from learnorder.log.reader import open_log
from learnorder.measures.intervals import at_level
from learnorder.schema import REPLICATE


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
    trained
        What became of it, at its end: how many replicates are finished, and how many diverged.
    """

    claim: str
    collection: str
    done: int
    total: int
    left: float
    training: Progress | None = None
    trained: tuple[int, int] | None = None


@dataclass(frozen=True)
class Probing:
    """How many different collections have been tried for what they cost, and of how many."""

    done: int
    total: int


News = Probing | Budget | Stage | Mapping[str, Any] | str
"""How far measuring the cost is; the budget, before anything is trained; how far training is; what
became of a claim; or a remark."""

Tell = Callable[[News], None]


def reproduce(
    names: Sequence[str] = (),
    *,
    out: str | Path,
    data: str | Path | None = None,
    scale: Scale = "quick",
    studies: Sequence[str] = (),
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
        Folder of the results, ``<claim>.json`` (of a larger scale than quick, in a folder of its
        name), and of the logs. One run has it at a time.
    data
        Folder of the datasets; without it ``$LEARNORDER_DATA``.
    scale
        ``"quick"``, ``"medium"`` or ``"full"``.
    studies
        Only these studies of the claims, by name; all of them without names. What an earlier
        result has of the others stays in it.
    workers
        Processes.
    report
        Told the budget before training, then how far it is, then each result.

    Returns
    -------
    The content of the result files, by claim. Where ``status`` is not ``"done"``, there is no new
    verdict, and ``reason`` says why; ``<claim>.status.json`` has the same.

    Raises
    ------
    LearnOrderError
        A name is none of a claim or a study, another run has the folder, a log in it does not fit,
        or studies are asked for and those of an earlier result were judged by another rule.
    """
    whole = {claim.id: claim for claim in find_claims(names)}
    claims = with_studies(list(whole.values()), studies, scale, each=bool(names))
    LocalEngine(workers)  # refuses what is no number of processes
    # of all collections, probed and trained, workers are forked from one process
    with _data_root(data), sole_run(out) as folder, ready_to_fork(at_once=False):
        run = _Run(folder, scale, whole, workers, report or (lambda _: None))
        return run.all(claims, collections_of(claims, scale))


@contextmanager
def _data_root(folder: str | Path | None) -> Iterator[None]:
    """Let datasets be looked for in a folder."""
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise LearnOrderError(
            f"reproduce: there is no folder {folder}. data (--data) is the folder with the "
            "datasets, each in a folder of its own. Correct it, or leave it out where "
            "LEARNORDER_DATA is set."
        )
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
    whole: Mapping[str, Claim]
    """Claims with all their studies, by id."""
    workers: int | None
    tell: Tell
    trained: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What became of collections, by name."""
    hindered: dict[str, LearnOrderError] = field(default_factory=dict)
    """Why collections could not be trained now, by name; tried again by the next run."""
    estimated: float = 0.0
    """Seconds that what is trained was thought to take."""
    taken: float = 0.0
    """Seconds it took."""

    def log(self, name: str) -> Path:
        """Where the log of a collection lies."""
        return self.out / "logs" / self.scale / f"{name}.zarr"

    def result(self, claim: Claim) -> Path:
        """Where the result of a claim lies."""
        return self.out / place_of(claim.id, self.scale)

    def all(
        self, claims: Sequence[Claim], collections: Mapping[str, Collection]
    ) -> dict[str, dict[str, Any]]:
        """Go through the claims."""
        for claim in claims:
            if was_left_running(self.result(claim)):
                self.tell(f"{claim.id}: a run before this one ended without a word. It goes on.")
        budget = measure_budget(
            collections,
            self.log,
            self.workers,
            lambda done, total: self.tell(Probing(done, total)),
        )
        wanted = {
            name
            for claim in claims
            for study in claim.at(self.scale)
            for name in possible(claim, study, budget.missing)
        }
        budget = replace(budget, costs={n: c for n, c in budget.costs.items() if n in wanted})
        self.tell(budget)
        return {claim.id: self._kept(claim, collections, budget) for claim in claims}

    def _kept(
        self, claim: Claim, collections: Mapping[str, Collection], budget: Budget
    ) -> dict[str, Any]:
        """Go through a claim and write what became of it; what hinders one may spare the next."""
        place = self.result(claim)
        ended = partial(unfinished, claim, self.scale)
        write_status(place, ended(RUNNING, f"it has no new verdict yet. {GO_ON}"))
        try:
            result = self._one(claim, collections, budget)
            (write_result if result["status"] == DONE else write_status)(place, result)
        except LearnOrderError as error:
            result = ended(INTERRUPTED, str(error))
            write_status(place, result)
        except BaseException as error:
            with suppress(OSError):
                write_status(place, ended(INTERRUPTED, f"{_why(error)} {GO_ON}"))
            raise
        self.tell(result)
        return result

    def _one(
        self, claim: Claim, collections: Mapping[str, Collection], budget: Budget
    ) -> dict[str, Any]:
        """Train what a claim needs and judge it."""
        whole = self.whole[claim.id]
        others = others_of(whole, claim, self.scale)
        earlier = earlier_result(self.result(claim), whole, others, self.scale)
        level = level_of(whole, whole.at(self.scale))
        findings: list[Finding] = []
        used: dict[str, dict[str, Any]] = {}
        not_run: dict[str, str] = {}
        for study in claim.at(self.scale):
            absent = {n: budget.missing[n] for n in study.collections if n in budget.missing}
            not_run |= {name: " ".join(map(str, lacks)) for name, lacks in absent.items()}
            names = possible(claim, study, budget.missing)
            for name in names:
                self._train(claim.id, collections[name], budget)
                used[name] = self.trained[name]
            if not names:
                continue
            finished = [name for name in names if self.trained[name]["n_replicates"]]
            logs = {name: self._splits(name) for name in finished}
            shown = study.model_copy(update={"collections": names})
            with at_level(level):
                findings += find_evidence(claim, shown, logs)
        if not findings and not_run:
            return unfinished(claim, self.scale, NOT_RUN, _lack_line(not_run, budget), not_run)
        verdict = verdict_of(claim, findings)
        versions = trained_with(
            (open_log(self.log(name)), about["seeds"]) for name, about in used.items()
        )
        found = result_of(
            claim,
            self.scale,
            level=level,
            verdict=verdict,
            findings=findings,
            collections=list(used.values()),
            not_run=not_run,
            versions=versions,
            judged_with=judged_with(),
        )
        return joined(found, earlier, whole, others, self.scale) if others else found

    def _splits(self, name: str) -> dict[str, xr.Dataset]:
        """Splits of a log, with the replicates of the recipe: an older log may have more."""
        seeds, log = self.trained[name]["seeds"], open_log(self.log(name))
        splits = dict(log)
        if all(split[REPLICATE].values.tolist() == seeds for split in splits.values()):
            return splits
        return {split: of.sel({REPLICATE: seeds}) for split, of in splits.items()}

    def _train(self, claim: str, collection: Collection, budget: Budget) -> None:
        """Train a collection, unless that has been done or tried."""
        name = collection.name
        if name in self.hindered:
            raise self.hindered[name]
        if name in self.trained:
            return
        started = time.monotonic()

        def on_news(news: Progress | CostEstimate | str) -> None:
            if isinstance(news, Progress):
                self.tell(self._stage(claim, name, budget, news))
            elif isinstance(news, str) and news.startswith("replicate"):
                self.tell(news)

        self.tell(self._stage(claim, name, budget, None))
        try:
            result = self._result(collection, on_news)
        except LearnOrderError as error:
            self.hindered[name] = error
            raise
        data = str(open_log(self.log(name)).header.dataset.get("fingerprint"))
        self.trained[name] = about(collection, result.finished, result.failed, data)
        self.estimated += budget.seconds(name)
        self.taken += time.monotonic() - started
        ended = self._stage(claim, name, budget, None)
        self.tell(replace(ended, trained=(len(result.finished), len(result.failed))))

    def _result(
        self, collection: Collection, on_news: Callable[[Progress | CostEstimate | str], None]
    ) -> TrainingResult:
        """Train, and refuse what says nothing about a claim: only divergence is an outcome."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # replicates that failed are counted
            result = train_collection(
                collection.spec,
                collection.seeds,
                out=self.log(collection.name),
                workers=self.workers,
                report=on_news,
            )
        hindered = [seed for seed in result.failed if seed not in result.diverged]
        if hindered:
            seed = hindered[0]
            raise LearnOrderError(
                f"reproduce: {len(hindered)} of {count_of(len(collection.seeds), 'replicate')} of "
                f"{collection.name} could not be trained; the first is seed {seed}: "
                f"{result.failed[seed].removeprefix('train: ')} That says nothing about the claim. "
                f"{GO_ON}"
            )
        return result

    def _stage(self, claim: str, name: str, budget: Budget, news: Progress | None) -> Stage:
        """What is left: as estimated, corrected by what was taken so far."""
        ratio = self.taken / self.estimated if self.estimated else 1.0
        settled = {name, *self.trained, *self.hindered}
        others = [n for n in budget.costs if n not in settled]
        left = ratio * sum(map(budget.seconds, others))
        if name not in self.trained:
            here = news.left if news is not None else None
            left += ratio * budget.seconds(name) if here is None else here
        return Stage(claim, name, len(self.trained), len(budget.costs), left, news)


def _lack_line(not_run: Mapping[str, str], budget: Budget) -> str:
    """Say what a claim lacks as a whole."""
    lacks = dict.fromkeys(lack.what for name in not_run for lack in budget.missing[name])
    return f"nothing of it can be judged without {', '.join(lacks)}."


def _why(error: BaseException) -> str:
    """Say in a line what ended a run."""
    text = " ".join(str(error).split())
    if isinstance(error, KeyboardInterrupt):
        return f"it was stopped by {text or 'Ctrl-C'}."
    return f"{type(error).__name__}: {text.rstrip('.')}."
