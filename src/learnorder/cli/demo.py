"""The command ``demo``: the whole walk on real handwritten digits, offline, in a minute or two."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from learnorder.notebook import as_text

DEMO_SEEDS = {"mlp": range(6), "resnet-8": range(6, 12)}
"""By architecture: with equal ones both would see the examples in one order."""


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder.",
)
def demo(out: Path) -> None:
    """Train two architectures on scikit-learn's digits, compare their orders, write a report.

    \b
    learnorder demo --out demo
    """
    from learnorder.cli.progress import ProgressDisplay
    from learnorder.collection.train import train_collection
    from learnorder.log.reader import open_log
    from learnorder.report.render import render_report

    logs = {}
    for name, seeds in DEMO_SEEDS.items():
        path = out / f"{name}.zarr"
        click.echo(f"{name}: {len(seeds)} replicates on digits into {path}", err=True)
        with ProgressDisplay() as display, warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            train_collection(demo_spec(name), seeds, out=path, report=display)
        logs[name] = open_log(path)
    report = render_report(logs, out / "report.html")
    _print_summary(logs)
    click.echo(f"\nOpen the report: {report}")


def demo_spec(architecture: str) -> Any:
    """Spec of one of the two collections of the demo."""
    from learnorder.training.spec import TrainingSpec

    return TrainingSpec.from_tables(
        {
            "dataset": {"name": "digits"},
            "architecture": {"name": architecture},
            "training": {"epochs": 8, "batch_size": 64},
        },
        source="demo",
    )


def _print_summary(logs: dict[str, Any]) -> None:
    from learnorder.cli.output import echo_table
    from learnorder.comparison.compare import compare
    from learnorder.measures.summary import summarise

    rows = []
    for name, log in logs.items():
        summary = summarise(log["test"])
        last, order = summary["per_epoch"][-1], summary["order"]
        rows.append(
            (
                name,
                f"{summary['n_replicates']} of {summary['n_replicates_planned']}",
                last["accuracy_mean"],
                last["fleiss_kappa"],
                order["reliability"],
                order["reliability_ci"],
            )
        )
    columns = ("collection", "replicates", "test accuracy", "kappa", "reliability", "95 % interval")
    click.echo()
    echo_table(columns, rows)
    pair = compare({name: log["test"] for name, log in logs.items()}).to_dict()["pairs"][0]
    click.echo(
        f"\nOrder of {pair['a']} against {pair['b']} (test): "
        f"correlation {as_text(pair['pearson'])}, "
        f"noise ceiling {as_text(pair['noise_ceiling'])}, corrected {as_text(pair['corrected'])} "
        f"({as_text(pair['corrected_ci'])})"
    )
