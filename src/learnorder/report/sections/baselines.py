"""How much of the order was known before anything was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from learnorder.report.figures.shares import Found, Row, shares_figure
from learnorder.report.measured import Measured
from learnorder.report.names import file_name
from learnorder.report.section import Part, Picture, Section
from learnorder.report.sections.grouped import by_split
from learnorder.report.tables import percent_with, reason

TEXT = (
    "Share of the shared order that goes with the class, and with what is known of each example "
    "without any network (see the docs of the baselines): 1, the order was known before training; "
    "0, it has nothing to do with them. Chance can make it negative or larger than 1. Lines are "
    "95\N{NO-BREAK SPACE}% intervals.",
)


def baselines_section(found: Sequence[Measured]) -> Section:
    """One picture for each collection and split with labels."""
    parts = []
    for split, of_split in by_split([m for m in found if m.labelled]).items():
        pictures = [p for m in of_split if (p := _picture(m)) is not None]
        notes = [f"{m.name}: undefined ({why})." for m in of_split if (why := _undefined(m))]
        parts.append(Part(split, pictures, notes=notes))
    title = "What is trivial about the order"
    return Section("baselines", "Baselines", title, TEXT, parts)


def _undefined(m: Measured) -> str:
    """Why there is no share to draw."""
    found = m.summary["baselines"]
    if found is None:
        return reason(m.summary, "baselines")
    return "" if found["class"]["share"] is not None else reason(found["class"], "share")


def _found(record: Mapping[str, Any]) -> Found:
    return record["share"], record["share_ci"]


def _picture(m: Measured) -> Picture | None:
    """Shares of class, of each baseline, and of all together."""
    if _undefined(m):
        return None
    found = m.summary["baselines"]
    rows = [Row("class", _found(found["class"]))]
    rows += [
        Row(str(each["name"]).replace("_", " ")[:30], _found(each), _found(each["within_class"]))
        for each in found["each"]
    ]
    if found["together"]:
        together = found["together"]
        rows.append(Row("all together", _found(together), _found(together["within_class"])))
    sentence = _sentence(found)
    return Picture(
        name=file_name("baselines", m.collection, m.split),
        drawing=shares_figure(rows, "share of the order explained"),
        title=m.name,
        reading=sentence,
        alt=f"Shares of the order of {m.name} that class and baselines explain. {sentence}",
    )


def _sentence(found: Mapping[str, Any]) -> str:
    """Class alone, and everything together."""
    text = f"Class alone explains {_share(found['class'])} of the shared order"
    together = found["together"]
    if not together or together["share"] is None:
        return f"{text}; there is no baseline beside it."
    return f"{text}; class and all baselines together explain {_share(together)}."


def _share(record: Mapping[str, Any]) -> str:
    ci = record["share_ci"]
    return percent_with(record["share"], ci, "" if ci is not None else reason(record, "share_ci"))
