"""Is the order the same in bfloat16? Three networks on real data, each trained in both precisions.

    python -m benchmarks.precision_study --out FOLDER [--replicates 12] [--quick]

The rule was fixed before the first run: a network counts as equivalent if the lower end of the 95 %
interval of the corrected correlation of accessibility, between a collection in float32 and one in
bfloat16 of other seeds, is above 0.99 on the training and on the test split. Logs are kept in the
folder and continued by the same line; ``precision.json`` there holds the figures. Accuracy is that
of the last epoch, with its standard deviation over replicates, and p that of Welch's test.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import ttest_ind

import learnorder as lo
from learnorder.comparison.compare import Comparison

MARGIN = 0.99
"""What the lower end of the interval has to exceed."""

FIRST_SEED = {"float32": 0, "bfloat16": 1000}
"""Collections share no seed, so that nothing but the precision and chance can differ."""

STUDIES: Mapping[str, Mapping[str, Any]] = {
    "st-vgg": {
        "dataset": {"name": "small-mammals"},
        "architecture": {"name": "st-vgg"},
        "optimizer": {"name": "sgd", "learning_rate": 0.04, "momentum": 0.0},
        "schedule": {"name": "exponential", "factor": 1.8, "every": 20},
        "training": {"epochs": 12, "batch_size": 100},
    },
    "resnet-8": {
        "dataset": {"name": "cifar10-subset", "train_limit": 2500, "test_limit": 1000},
        "architecture": {"name": "resnet-8"},
        "optimizer": {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9},
        "training": {"epochs": 12, "batch_size": 128},
    },
    "bilstm": {
        "dataset": {
            "name": "20newsgroups",
            "train_limit": 2500,
            "test_limit": 1000,
            "max_tokens": 50,
        },
        "architecture": {"name": "bilstm"},
        "optimizer": {"name": "adam", "learning_rate": 0.005},
        "training": {"epochs": 12, "batch_size": 64},
    },
}


def main() -> None:
    """Train what is missing, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--replicates", type=int, default=12, help="in each precision")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each network")
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(STUDIES)}; all without any")
    options = parser.parse_args()
    n_replicates = 3 if options.quick else options.replicates
    found = {}
    for name in options.networks or STUDIES:
        logs = _train(name, options.out, n_replicates, options.quick)
        found[name] = {split: _figures(logs, split) for split in ("train", "test")}
        print(name, json.dumps(found[name]), flush=True)
    (options.out / "precision.json").write_text(json.dumps(found, indent=2) + "\n")
    print(table(found))


def _train(name: str, folder: Path, n_replicates: int, quick: bool) -> dict[str, Path]:
    logs = {}
    for precision, first in FIRST_SEED.items():
        tables = {key: dict(value) for key, value in STUDIES[name].items()}
        tables["training"]["precision"] = precision
        if quick:
            tables["dataset"] |= {"train_limit": 130, "test_limit": 60}
            tables["training"]["epochs"] = 2
        logs[precision] = folder / f"{name}-{precision}.zarr"
        spec = lo.TrainingSpec.from_tables(tables)
        lo.train_collection(spec, range(first, first + n_replicates), out=logs[precision])
    return logs


def _figures(logs: Mapping[str, Path], split: str) -> dict[str, Any]:
    splits = {precision: lo.open_log(path)[split] for precision, path in logs.items()}
    accuracy = [_accuracy(log) for log in splits.values()]
    comparison: Comparison = lo.compare(splits)
    (pair,) = comparison.pairs
    return {
        "n_replicates": [c.n_replicates for c in comparison.collections],
        "accuracy": [float(of_each.mean()) for of_each in accuracy],
        "accuracy_std": [float(of_each.std(ddof=1)) for of_each in accuracy],
        "accuracy_p": float(ttest_ind(*accuracy, equal_var=False).pvalue),
        "reliability": [c.reliability.value for c in comparison.collections],
        "pearson": pair.pearson,
        "noise_ceiling": pair.noise_ceiling,
        "corrected": pair.corrected,
        "corrected_ci": pair.corrected_ci,
        "within_class": pair.within_class.corrected,
        "within_class_ci": pair.within_class.corrected_ci,
        "equivalent": pair.corrected_ci is not None and pair.corrected_ci[0] > MARGIN,
    }


def _accuracy(log: xr.Dataset) -> NDArray[np.float64]:
    """Accuracy of each replicate after the last epoch."""
    last = log["prediction"].isel(epoch=-1)
    return (last == log["label"]).mean("example").values


def table(found: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Markdown table of the figures, a row for each network and split."""
    lines = [
        "| network | split | accuracy, float32 and bfloat16 | p | reliability | correlation "
        "| ceiling | corrected (95 %) | within class (95 %) | equivalent |",
        f"|{' --- |' * 10}",
    ]
    for name, splits in found.items():
        for split, row in splits.items():
            cells = [
                name,
                split,
                " and ".join(
                    f"{mean:.3f} ({std:.3f})"
                    for mean, std in zip(row["accuracy"], row["accuracy_std"], strict=True)
                ),
                f"{row['accuracy_p']:.2f}",
                " and ".join(_number(r) for r in row["reliability"]),
                _number(row["pearson"]),
                _number(row["noise_ceiling"]),
                _with_interval(row["corrected"], row["corrected_ci"]),
                _with_interval(row["within_class"], row["within_class_ci"]),
                "yes" if row["equivalent"] else "not shown",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _with_interval(value: float | None, interval: tuple[float, float] | None) -> str:
    ends = "" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})"
    return _number(value) + ends


if __name__ == "__main__":
    main()
