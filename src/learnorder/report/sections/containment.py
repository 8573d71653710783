"""Does the stronger of two collections know what the weaker knows, and what does it learn later?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from learnorder.report.figures.by_epoch import Curve
from learnorder.report.figures.contained import containment_figure
from learnorder.report.gaps import ends, mean_of_known, numbers
from learnorder.report.names import file_name
from learnorder.report.section import Head, Line, Picture, Table
from learnorder.report.tables import cell, interval, number, percent, percent_with, reason

TEXT = (
    "Containment asks whether the stronger collection knows what the weaker knows: of what a "
    "network of the weaker has right, the share that one of the stronger has right too. It is "
    "drawn where both have the same accuracy. Dashed: what chance within classes gives; dotted: "
    "what different networks of one collection give. The late gain asks whether the stronger goes "
    "on to learn more: of what all other networks of the weaker miss at the end, the share that it "
    "knows, less the share that one more network of the weaker knows."
)
HEADS = (
    "accuracy gained",
    "containment",
    "null: only classes",
    "networks of the weaker",
    "late gain",
)


def containment_picture(split: str, pair: Mapping[str, Any]) -> Picture | str:
    """Containment along training at matched accuracy, or why it cannot be drawn."""
    found = pair["containment"]
    if found["along"] is None:
        return reason(found, "along")
    along = [row for row in found["along"] if row["containment"] is not None]
    if len(along) < 2:
        undefined = [row for row in found["along"] if row["containment"] is None]
        return reason(undefined[0], "containment") if undefined else "there is one level alone"

    def column(key: str) -> np.ndarray:
        return numbers([row[key] for row in along])

    upper = mean_of_known(column("upper_weaker"), column("upper_stronger"))
    curves = [
        Curve("observed", column("containment"), *ends([row["containment_ci"] for row in along]).T),
        Curve("null: only classes", column("null")),
        Curve("networks of one collection", upper),
    ]
    weaker, stronger = found["weaker"], found["stronger"]
    level = np.array([row["level"] for row in along])
    sentence = _sentence(found, pair["late_gains"])
    return Picture(
        name=file_name("containment", split, pair["a"], pair["b"]),
        drawing=containment_figure(level, curves),
        title=f"What {stronger} knows of {weaker}, {split}",
        reading=sentence,
        alt=f"Containment of {weaker} in {stronger} at accuracies from {percent(level[0])} to "
        f"{percent(level[-1])}. {sentence}",
    )


def containment_table(pairs: Sequence[Mapping[str, Any]]) -> Table:
    """Every pair at the end of training."""
    lines = []
    for pair in pairs:
        found, late = pair["containment"], pair["late_gains"]
        cells = (
            cell(late, "accuracy_gain"),
            *(cell(found, key) for key in ("containment", "null", "upper_weaker")),
            cell(late, "learned_gain"),
        )
        lines.append(Line(f"{found['weaker']} in {found['stronger']}", cells))
    return Table([Head("at the end of training", number=False), *map(Head, HEADS)], lines)


def _sentence(found: Mapping[str, Any], late: Mapping[str, Any]) -> str:
    """Containment after the last epoch, and what the stronger learns beyond."""
    return f"At the end {_contained(found)}; {_learned(late)}."


def _contained(found: Mapping[str, Any]) -> str:
    """What the stronger knows of the weaker, beside the null and the upper reference."""
    weaker, stronger = found["weaker"], found["stronger"]
    if found["containment"] is None:
        return f"containment is undefined ({reason(found, 'containment')})"
    why = "" if found["containment_ci"] is not None else reason(found, "containment_ci")
    share = percent_with(found["containment"], found["containment_ci"], why)
    beside = [
        f"{percent(found[key])} {what}"
        for key, what in (
            ("null", "by chance within classes"),
            ("upper_weaker", f"between networks of {weaker}"),
        )
        if found[key] is not None
    ]
    text = f"a network of {stronger} knows {share} of what one of {weaker} knows"
    return f"{text}; it would be {' and '.join(beside)}" if beside else text


def _learned(late: Mapping[str, Any]) -> str:
    """Whether the stronger goes on to learn what the weaker misses."""
    gain, ci = late["learned_gain"], late["learned_gain_ci"]
    if gain is None:
        return f"the late gain is undefined ({reason(late, 'learned_gain')})"
    if ci is None:
        why = reason(late, "learned_gain_ci")
        return f"the late gain is {number(gain)}, and not judged without an interval ({why})"
    if ci[0] <= 0 <= ci[1]:
        more = "whether it goes on to learn what the weaker misses is not shown"
    elif ci[0] > 0:
        more = "it goes on to learn what the weaker misses"
    else:
        more = "it learns less of what the weaker misses than one more of its networks would"
    return f"{more} (late gain {number(gain)}, 95\N{NO-BREAK SPACE}% interval {interval(ci)})"
