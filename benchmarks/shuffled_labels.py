"""Why is the order of memorising shuffled labels shared, and by which networks?

Networks memorise 1,000 images of Fashion-MNIST under the same shuffled labels. For each network:
how far the orders of single replicates have in common, and what of the images goes with the mean
order. From the top folder::

    python -m benchmarks.shuffled_labels --scratch FOLDER

What was supposed before the first run: (1) images decide, not labels: who stands apart from the
others is memorised first; (2) the wider a network, the nearer it is to a fixed kernel, and the more
of its order is shared; (3) noise in training (dropout, small batches, a high learning rate) makes
it less shared. Logs stay in the folder; run again, it goes on from what is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from benchmarks.results import provenance
from scipy import stats
from scipy.spatial.distance import cdist

from learnorder.claims.evidence import Measured
from learnorder.claims.of_collections import single_reliability
from learnorder.collection.train import train_collection
from learnorder.comparison.compare import compare
from learnorder.datasets.registry import load_dataset
from learnorder.log.reader import open_log
from learnorder.measures.order import (
    accessibility_per_replicate,
    reliability_of,
    reliability_record,
)
from learnorder.measures.scores import ScoreTable
from learnorder.schema import EXAMPLE, LABEL, Labels, Scores
from learnorder.training.spec import TrainingSpec

N_EXAMPLES, N_TEST, N_EPOCHS, N_REPLICATES = 1000, 100, 60, 6
NEIGHBOURS = 10

CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"architecture.name": "mlp"},
    "mlp, width 16": {"architecture.name": "mlp", "architecture.options": {"width": 16}},
    "mlp, width 64": {"architecture.name": "mlp", "architecture.options": {"width": 64}},
    "mlp, width 1024": {"architecture.name": "mlp", "architecture.options": {"width": 1024}},
    "mlp, dropout": {"architecture.name": "mlp", "architecture.options": {"dropout": True}},
    "mlp, batches of 8": {"architecture.name": "mlp", "training.batch_size": 8},
    "mlp, rate 0.01": {"architecture.name": "mlp", "optimizer.learning_rate": 0.01},
    "lenet": {"architecture.name": "lenet"},
    "lenet, width 4": {"architecture.name": "lenet", "architecture.options": {"width": 4}},
    "lenet, width 64": {"architecture.name": "lenet", "architecture.options": {"width": 64}},
    "lenet, dropout": {"architecture.name": "lenet", "architecture.options": {"dropout": True}},
    "lenet, rate 0.01": {"architecture.name": "lenet", "optimizer.learning_rate": 0.01},
    "resnet-8": {"architecture.name": "resnet-8", "recording.batch_norm": "reestimated"},
    "st-vgg": {
        "architecture.name": "st-vgg",
        "optimizer": {"name": "adam", "learning_rate": 0.001},
    },
}

HEAD = [
    "network",
    "train accuracy",
    "order of one replicate, within given class",
    "within true class",
    "explained by true class",
    "with distance to the nearest image",
    "with support of the label",
    "with the mlp",
]


@dataclass(frozen=True)
class Images:
    """What is known of the images beside their shuffled labels."""

    ids: list[str]
    true: Labels
    distances: Scores

    @property
    def nearest(self) -> Scores:
        """Distance of each image to the nearest other one, in pixels of unit variance."""
        return np.asarray(self.distances.min(axis=1))

    def support(self, label: Labels) -> Scores:
        """Share of the nearest images that have its given label."""
        near = np.argsort(self.distances, axis=1)[:, :NEIGHBOURS]
        return np.asarray((label[near] == label[:, np.newaxis]).mean(axis=1))


def images() -> Images:
    """Read the images that all networks are trained on."""
    found = load_dataset("fashion-mnist", train_limit=N_EXAMPLES, test_limit=N_TEST).splits["train"]
    pixels = np.asarray(found.inputs, dtype=np.float64).reshape(len(found.inputs), -1)
    distances = cdist(pixels, pixels) / pixels.std()
    np.fill_diagonal(distances, np.inf)
    return Images(list(found.examples.ids), np.asarray(found.examples.labels), distances)


def spec_of(condition: str, quick: bool) -> TrainingSpec:
    """Spec of a condition."""
    tables: dict[str, Any] = {
        "dataset": {"name": "fashion-mnist", "train_limit": N_EXAMPLES, "test_limit": N_TEST},
        "labels": {"shuffle": True},
        "training": {"epochs": 2 if quick else N_EPOCHS, "batch_size": 64},
    }
    for dotted, value in CONDITIONS[condition].items():
        table, _, key = dotted.partition(".")
        if key:
            tables.setdefault(table, {})[key] = value
        else:
            tables[table] = value
    return TrainingSpec.from_tables(tables)


def row(condition: str, log: xr.Dataset, base: xr.Dataset, known: Images) -> list[str]:
    """What is said of one network."""
    if list(log[EXAMPLE].values) != known.ids:
        raise SystemExit(f"{condition}: the log holds other images than the dataset.")
    label = log[LABEL].values
    scores = accessibility_per_replicate(log).values
    order = scores.mean(axis=0)
    accuracy = float((log["prediction"].isel(epoch=-1) == log[LABEL]).mean())
    cells = [condition, f"{accuracy:.2f}"]
    cells += [text_of(shared(scores, classes)) for classes in (label, known.true)]
    cells.append(f"{explained(order, known.true):.2f}")
    cells += [
        f"{stats.spearmanr(order, of_images)[0]:z.2f}"
        for of_images in (known.nearest, known.support(label))
    ]
    if log is base:
        return [*cells, ""]
    pair = compare({"mlp": base, condition: log}, "accuracy").to_dict()["pairs"][0]
    value = pair["within_class"]["corrected"]
    return [*cells, "undefined" if value is None else f"{value:.2f}"]


def shared(scores: Scores, classes: Labels) -> Measured:
    """Reliability of the order of one replicate, within classes that need not be the labels."""
    record = reliability_record(reliability_of(ScoreTable.of(scores), classes))
    return single_reliability({"order": record, "n_replicates": len(scores)})


def text_of(found: Measured) -> str:
    """Return a value with its interval."""
    if found.value is None:
        return "undefined"
    ends = " ({:.2f} to {:.2f})".format(*found.ci) if found.ci else ""
    return f"{found.value:.2f}{ends}"


def explained(order: Scores, classes: Labels) -> float:
    """Share of the variance of an order that lies between classes."""
    means = np.bincount(classes, weights=order) / np.maximum(np.bincount(classes), 1)
    return float(np.var(means[classes]) / np.var(order))


def table(given: argparse.Namespace) -> Iterator[str]:
    """Train the networks; lines about them in Markdown."""
    known = images()
    for line in (HEAD, ["---"] * len(HEAD)):
        yield f"| {' | '.join(line)} |"
    base = None
    for condition in given.networks:
        name = condition.replace(", ", "-").replace(" ", "-")
        out = given.scratch / f"{name}{'-quick' if given.quick else ''}.zarr"
        spec = spec_of(condition, given.quick)
        train_collection(spec, range(N_REPLICATES), out=out, workers=given.workers)
        log = open_log(out)["train"]
        base = log if base is None else base
        yield f"| {' | '.join(row(condition, log, base, known))} |"
    yield ""
    yield (
        f"{N_EXAMPLES} images, {N_REPLICATES} replicates, {N_EPOCHS} epochs; an mlp of 256 "
        f"units unless said otherwise. {provenance()}"
    )


def main() -> None:
    """Train, print what was found, and keep it."""
    parser = argparse.ArgumentParser(prog="shuffled-labels", description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", default=list(CONDITIONS))
    parser.add_argument("--scratch", type=Path, required=True, help="folder the logs are kept in")
    parser.add_argument("--quick", action="store_true", help="two epochs: does it run?")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    if unknown := set(given.networks) - set(CONDITIONS):
        parser.error(f"{', '.join(sorted(unknown))}: known are {', '.join(CONDITIONS)}")
    given.scratch.mkdir(parents=True, exist_ok=True)
    lines = []
    for line in table(given):
        print(line, flush=True)
        lines.append(line)
    (given.scratch / "shuffled_labels.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
