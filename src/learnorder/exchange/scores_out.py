"""What other tools read of a log: scores of its examples, and who is right on what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from learnorder.errors import LearnOrderError
from learnorder.exchange.arrays_out import write_arrays
from learnorder.exchange.source import Source, blocks, ids_as_json, labels_of, vote_shares
from learnorder.measures.dynamics import aum
from learnorder.measures.order import accessibility
from learnorder.schema import EXAMPLE, LABEL, MARGIN, PREDICTION


def write_aum(source: Source, target: Path) -> list[str]:
    """Write ``sample_id, aum``, the highest first: mean margin over replicates and epochs > 0.

    Raises
    ------
    LearnOrderError
        The log has no margins.
    """
    split = source.only
    labels_of(split, "aum")
    if MARGIN not in split:
        raise LearnOrderError(
            "export: aum needs margins, and the log has none. They are logits of the label less "
            "the largest other. Train with recording.margin = true."
        )
    import pandas as pd

    frame = pd.DataFrame({"sample_id": split[EXAMPLE].values, "aum": aum(split).values})
    frame.sort_values("aum", ascending=False, kind="stable").to_csv(
        target, index=False, lineterminator="\n"
    )
    if len(source.seeds) > 1:
        return [f"single networks: each number is the mean of {len(source.seeds)} replicates"]
    return []


def write_cscore(source: Source, target: Path) -> list[str]:
    """Write ``labels`` and ``scores``, here accessibility, in the order of the log.

    Raises
    ------
    LearnOrderError
        The split has no labels, or no epoch > 0.
    """
    split = source.only
    labels = labels_of(split, "cscore")
    write_arrays(target, {"labels": labels, "scores": accessibility(split).values})
    return []


def write_pyirt(source: Source, target: Path) -> list[str]:
    """Write a subject for each replicate: whether it was right on each example after one epoch.

    Raises
    ------
    LearnOrderError
        The split has no labels, or the epoch is not recorded.
    """
    split, position = source.only, source.epoch_position()
    labels, ids = labels_of(split, "py-irt"), [str(i) for i in ids_as_json(split)]
    epoch = source.epochs[position]
    number = int(epoch) if epoch.is_integer() else np.format_float_positional(epoch)
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for r, seed in enumerate(source.seeds):
            votes = np.asarray(split[PREDICTION].variable[r, position].values)
            right = (votes == labels).astype(int).tolist()
            responses = dict(zip(ids, right, strict=True))
            line = {"subject_id": f"seed_{seed}_epoch_{number}", "responses": responses}
            file.write(json.dumps(line) + "\n")
    return [f"all epochs but one, {epoch:g}"] if len(source.epochs) > 1 else []


def write_fiftyone(source: Source, target: Path) -> list[str]:
    """Write fields by id: the label, the class most voted for with its share, accessibility.

    Labels are as FiftyOne writes them, ``{"_cls": "Classification", "label": ...}``. Of classes
    with as many votes the one with the lower id is taken.

    Raises
    ------
    LearnOrderError
        The epoch is not recorded.
    """
    split, position = source.only, source.epoch_position()
    names, ids = source.class_names, ids_as_json(split)
    labels = split[LABEL].values.tolist() if LABEL in split else None
    trained = any(epoch > 0 for epoch in source.epochs)
    scores = accessibility(split).values.tolist() if labels and trained else None
    with target.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"samples": {')
        first = True
        for examples in blocks(split, per_example=8 * len(names)):
            shares = vote_shares(split, position, examples)
            for x, of_one in enumerate(shares, start=examples.start):
                k = int(of_one.argmax())
                fields: dict[str, Any] = {
                    "prediction": _classification(names[k], float(of_one[k])),
                }
                if labels is not None:
                    fields["ground_truth"] = _classification(names[labels[x]], None)
                if scores is not None:
                    fields["accessibility"] = scores[x]
                file.write(("" if first else ",") + f"\n{json.dumps(str(ids[x]))}: ")
                file.write(json.dumps(fields, allow_nan=False))
                first = False
        file.write("\n}}\n")
    return []


def _classification(name: str, confidence: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {"_cls": "Classification", "label": name}
    return found if confidence is None else {**found, "confidence": confidence}
