"""Results as the tables of docs/labels.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from benchmarks.labels.compared import COSTS, OURS
from benchmarks.labels.noise import NOISES
from benchmarks.labels.settings import SETUPS
from benchmarks.labels.trials import Trial

from learnorder.errors import count_of

END = "<!-- end -->"

WOULD_BE = "AUM"
"""Method with the best mean AUROC on the datasets that a rule was chosen on, of the others."""

LARGEST_LOSS = -0.005
"""A difference in AUROC above it counts as no loss; fixed before the first run."""

Record = dict[str, Any]


def write_page(trial: Trial) -> None:
    """Put the tables of a trial into the page, in the place of the older ones."""
    begin = f"<!-- made from results of the {trial.name} rule -->"
    before, _, rest = trial.page.read_text().partition(begin)
    _, _, after = rest.partition(END)
    trial.page.write_text(f"{before}{begin}\n\n{tables(trial)}\n\n{END}{after}")


def tables(trial: Trial) -> str:
    """All tables, in Markdown."""
    found = json.loads(trial.results.read_text())
    records = found["records"]
    costs = sorted({record["cost"] for record in records})
    parts = [
        f"### The {trial.name} rule against the best of the others",
        *_verdicts(records, trial),
        _differences(records, 5),
        f"### All methods beside the {trial.name} rule",
        *(
            part
            for measure, title in (
                ("auroc", "AUROC"),
                ("average_precision", "Average precision"),
                ("precision_at_n", "Precision at the number of wrong labels"),
            )
            for part in (f"{title}, at a cost of 5 trainings:", _methods(records, measure, 5))
        ),
        "Mean AUROC over the six kinds of noise, by cost:",
        _costs(records, costs),
        f"### The reading `likely mislabelled` in the {trial.name} trial",
        "With its thresholds as they are, by the number of replicates:",
        _readings(records, [cost for cost in costs if cost >= 5]),
        f"Rule: {found['rule']}. {found['provenance']}",
    ]
    return "\n\n".join(parts)


def _verdicts(records: list[Record], trial: Trial) -> Iterator[str]:
    for cost in COSTS:
        of_cost = [r for r in records if r["cost"] == cost and r["setup"] not in trial.chosen_on]
        if not of_cost:
            continue
        differences = [r["difference"] for r in of_cost]
        kept = sum(d[0] > LARGEST_LOSS for d in differences)
        ahead = sum(d[0] > 0 for d in differences)
        sure = sum(d[1] > 0 for d in differences)
        behind = sum(d[2] < 0 for d in differences)
        yield (
            f"* At a cost of {count_of(cost, 'training')}, {trial.of_datasets}: above "
            f"{LARGEST_LOSS:g} in {kept} of {len(of_cost)} settings, above 0 in {ahead}; "
            f"the 95 % interval lies above 0 in {sure} and below in {behind}. "
            f"{_against_one(of_cost)}"
        )


def _against_one(records: list[Record]) -> str:
    """The rule against the one other method that its dataset alone would have chosen."""
    values = [r["methods"][OURS]["auroc"][0] - r["methods"][WOULD_BE]["auroc"][0] for r in records]
    return (
        f"Against {WOULD_BE} alone, the best of the others by the mean where the rule was chosen: "
        f"above {LARGEST_LOSS:g} in {sum(v > LARGEST_LOSS for v in values)}, above 0 in "
        f"{sum(v > 0 for v in values)}, {np.mean(values):+.4f} on average."
    )


def _differences(records: Iterable[Record], cost: int) -> str:
    head = ["dataset", "noise", "wrong", "rule", "best of the others", "its AUROC", "difference"]
    rows = [
        [
            SETUPS[r["setup"]].title,
            NOISES[r["noise"]].title,
            f"{r['n_wrong']} of {r['n']}",
            _value(r["methods"][OURS]["auroc"]),
            r["best_other"],
            _value(r["methods"][r["best_other"]]["auroc"]),
            _signed(r["difference"]),
        ]
        for r in records
        if r["cost"] == cost
    ]
    return _table(head, rows)


def _methods(records: Iterable[Record], measure: str, cost: int) -> str:
    chosen = [r for r in records if r["cost"] == cost]
    head = ["method", *(_short(r) for r in chosen)]
    rows = [
        [name, *(f"{r['methods'][name][measure][0]:.3f}" for r in chosen)]
        for name in chosen[0]["methods"]
    ]
    return _table(head, rows)


def _short(record: Record) -> str:
    initial = SETUPS[record["setup"]].initial
    return f"{initial} {record['noise'].replace('symmetric', 'sym').replace('instance', 'inst')}"


def _costs(records: list[Record], costs: list[int]) -> str:
    setups = dict.fromkeys(r["setup"] for r in records)
    pairs = [(setup, cost) for setup in setups for cost in costs]
    names = dict.fromkeys(name for r in records for name in r["methods"])

    def mean(name: str, setup: str, cost: int) -> str:
        values = [
            r["methods"][name]["auroc"][0]
            for r in records
            if (r["setup"], r["cost"]) == (setup, cost) and name in r["methods"]
        ]
        return f"{np.mean(values):.3f}" if values else ""

    head = ["method", *(f"{SETUPS[setup].title}, {cost}" for setup, cost in pairs)]
    return _table(head, [[name, *(mean(name, *pair) for pair in pairs)] for name in names])


def _readings(records: Iterable[Record], costs: list[int]) -> str:
    by_setting: dict[tuple[str, str], dict[int, Record]] = {}
    for r in records:
        by_setting.setdefault((r["setup"], r["noise"]), {})[r["cost"]] = r
    head = ["dataset", "noise", "right on true labels"]
    head += [f"{key}, {cost}" for cost in costs for key in ("read", "precision", "recall")]
    rows = []
    for (setup, noise), by_cost in by_setting.items():
        row = [SETUPS[setup].title, NOISES[noise].title]
        row.append(f"{by_cost[costs[0]]['accuracy']['true']:.2f}")
        for cost in costs:
            read = by_cost[cost]["readings"]
            row += [str(read["n"]), f"{read['precision']:.2f}", f"{read['recall']:.2f}"]
        rows.append(row)
    return _table(head, rows)


def _value(found: list[float]) -> str:
    value, low, high = found
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _signed(found: list[float]) -> str:
    value, low, high = found
    return f"{value:+.4f} ({low:+.4f} to {high:+.4f})"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
