"""Train, choose, judge."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from benchmarks.labels.campaign import train_all
from benchmarks.labels.compared import compared, other_scores
from benchmarks.labels.evidence import Setting, read
from benchmarks.labels.judging import auroc
from benchmarks.labels.noise import NOISES
from benchmarks.labels.pages import LARGEST_LOSS, write_page
from benchmarks.labels.settings import SETUPS, load
from benchmarks.labels.trials import ENOUGH, TRIALS
from benchmarks.results import provenance

from learnorder.errors import LearnOrderError
from learnorder.log.cores import available_cores

CHOSEN_AT = 5
"""Cost at which rules are chosen."""

QUICK_NETWORKS = 5


def settings(
    given: argparse.Namespace, setups: Iterable[str], noises: Iterable[str] = tuple(NOISES)
) -> Iterator[Setting]:
    """Settings whose networks are trained."""
    for name in setups:
        setup = SETUPS[name].quick() if given.quick else SETUPS[name]
        for noise in noises:
            yield read(name, noise, load(setup), given.scratch, _n_networks(given))


def _n_networks(given: argparse.Namespace) -> int:
    return QUICK_NETWORKS if given.quick else TRIALS[given.trial].n_networks


def choose(given: argparse.Namespace) -> None:
    """Print what each candidate is worth where the rule is chosen, the best first."""
    trial = TRIALS[given.trial]
    found: dict[str, list[float]] = {rule.name: [] for rule in trial.candidates}
    best = []
    for setting in settings(given, trial.chosen_on, trial.chosen_with):
        others = other_scores(setting, CHOSEN_AT).values()
        best.append(max(auroc(score, setting.is_wrong).value for score in others))
        for rule in trial.candidates:
            score = rule.of(setting, CHOSEN_AT)
            found[rule.name].append(auroc(score, setting.is_wrong).value)
    differences = {name: np.array(values) - best for name, values in found.items()}
    worth = {
        name: np.mean(found[name] if trial.chosen_by == "AUROC" else np.minimum(of, ENOUGH))
        for name, of in differences.items()
    }
    print(f"{', '.join(trial.chosen_on)}; {', '.join(trial.chosen_with)}; cost {CHOSEN_AT}")
    heads = f"mean AUROC, settings above {LARGEST_LOSS:g} and above 0"
    print(f"{heads}, differences to the best of the others")
    for name in sorted(worth, key=lambda name: -worth[name]):
        of = differences[name]
        counts = f"{np.sum(of > LARGEST_LOSS):2} {np.sum(of > 0):2} of {len(of)}"
        each = " ".join(f"{d:+.4f}" for d in of)
        print(f"{np.mean(found[name]):.4f}  {counts}  {each}  {name}")


def judge(given: argparse.Namespace) -> None:
    """Judge all methods, and keep the results and the page."""
    trial = TRIALS[given.trial]
    of_settings = (compared(setting, trial.rule) for setting in settings(given, given.setups))
    records = [record for of_setting in of_settings for record in of_setting]
    for record in records:
        difference, low, high = record["difference"]
        print(
            f"{record['setup']:14} {record['noise']:13} cost {record['cost']:2}  rule "
            f"{record['methods']['the rule']['auroc'][0]:.4f}  {difference:+.4f} "
            f"({low:+.4f} to {high:+.4f}) to {record['best_other']}"
        )
    if given.write:
        found = {"provenance": provenance(), "rule": trial.rule.name, "records": records}
        trial.results.write_text(json.dumps(found, indent=1) + "\n")
        write_page(trial)


def main() -> None:
    """Do one step of it, or all."""
    parser = argparse.ArgumentParser(prog="labels", description="Planted label errors.")
    parser.add_argument("step", choices=("train", "choose", "judge", "all"))
    parser.add_argument("setups", nargs="*", metavar="DATASET", default=[])
    parser.add_argument("--trial", choices=list(TRIALS), default="second", help="which rule")
    parser.add_argument("--scratch", type=Path, required=True, help="folder of the networks")
    parser.add_argument("--quick", action="store_true", help="tiny: does it run?")
    parser.add_argument("--write", action="store_true", help="keep results and page")
    parser.add_argument("--workers", type=int, default=available_cores())
    given = parser.parse_args()
    if unknown := set(given.setups) - set(SETUPS):
        parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(SETUPS)}")
    whole = TRIALS[given.trial].setups
    if given.step == "choose" and given.setups:
        parser.error("choose looks at the datasets that the rule was chosen on; name none.")
    given.setups = given.setups or whole
    if given.write and (given.quick or set(given.setups) != set(whole)):
        parser.error(f"--write is for the whole trial: without --quick, {', '.join(whole)}.")
    if given.step in ("train", "all"):
        train_all(
            given.scratch,
            given.setups,
            quick=given.quick,
            workers=given.workers,
            n_networks=_n_networks(given),
        )
    if given.step == "choose":
        try:
            choose(given)
        except LearnOrderError as error:
            parser.exit(
                1,
                f"labels: {error} `train {' '.join(TRIALS[given.trial].chosen_on)}` "
                "trains what it needs.\n",
            )
    if given.step in ("judge", "all"):
        judge(given)


if __name__ == "__main__":
    main()
