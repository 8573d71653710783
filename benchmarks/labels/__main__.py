"""Train, choose, judge."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from benchmarks.labels.campaign import train_all
from benchmarks.labels.compared import compared
from benchmarks.labels.evidence import Setting, read
from benchmarks.labels.judging import auroc
from benchmarks.labels.noise import NOISES
from benchmarks.labels.pages import write_page
from benchmarks.labels.settings import SETUPS, load
from benchmarks.labels.trials import TRIALS
from benchmarks.results import provenance

from learnorder.log.cores import available_cores

CHOSEN_AT = 5
"""Cost at which rules are chosen."""

QUICK_NETWORKS = 5


def settings(given: argparse.Namespace, setups: Iterable[str]) -> Iterator[Setting]:
    """Settings whose networks are trained."""
    for name in setups:
        setup = SETUPS[name].quick() if given.quick else SETUPS[name]
        for noise in NOISES:
            yield read(name, noise, load(setup), given.scratch, _n_networks(given))


def _n_networks(given: argparse.Namespace) -> int:
    return QUICK_NETWORKS if given.quick else TRIALS[given.trial].n_networks


def choose(given: argparse.Namespace) -> None:
    """Print what each candidate is worth where the rule is chosen, the best first."""
    trial = TRIALS[given.trial]
    found: dict[str, list[float]] = {rule.name: [] for rule in trial.candidates}
    for setting in settings(given, trial.chosen_on):
        for rule in trial.candidates:
            score = rule.of(setting, CHOSEN_AT)
            found[rule.name].append(auroc(score, setting.is_wrong).value)
    print(f"AUROC at cost {CHOSEN_AT}, mean and by setting: {', '.join(NOISES)}")
    for name, values in sorted(found.items(), key=lambda item: -np.mean(item[1])):
        print(f"{np.mean(values):.4f}  {' '.join(f'{v:.4f}' for v in values)}  {name}")


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
    given.setups = given.setups or TRIALS[given.trial].setups
    if given.step in ("train", "all"):
        train_all(
            given.scratch,
            given.setups,
            quick=given.quick,
            workers=given.workers,
            n_networks=_n_networks(given),
        )
    if given.step == "choose":
        choose(given)
    if given.step in ("judge", "all"):
        judge(given)


if __name__ == "__main__":
    main()
