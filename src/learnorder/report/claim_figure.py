"""The figure of a claim: every subject with interval and null, and the threshold of the rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from learnorder.report.figures import BLUE, GREEN, INK, ORANGE, drawn, guides

LOOKS = {
    "holds": (BLUE, "o"),
    "does not hold": (ORANGE, "s"),
    "inconclusive": (GREEN, "D"),
}
"""Colour and marker of a verdict."""

NAMES = {
    "order": "reliability of the order of one replicate, within class",
    "corrected": "corrected correlation within class, matched by accuracy",
    "kappa": "Fleiss' kappa of predictions, after the last epoch",
    "shared order and accuracy": "partial rank correlation with test accuracy",
}
"""What the first measure of a finding is called on its axis."""

MOST_CURVES = 6
"""Subjects whose kappa by epoch is drawn too."""


@drawn
def claim_figure(result: Mapping[str, Any]) -> Figure:
    """Draw the findings of a claim, as its result file has them."""
    findings = result["measures"]
    height = 0.9 + 0.24 * max(len(findings), 2)
    curves = [f for f in findings if "fleiss_kappa_null_class_ci" in f["curves"]][:MOST_CURVES]
    conditions = [f for f in findings if "collection" in f["curves"]]
    rows = -(-len(curves) // 3)
    more = 0.3 + 1.9 * rows if curves else 2.8 * len(conditions)
    figure = Figure(figsize=(7.2, height + more), layout="constrained")
    if not more:
        _forest(figure.subplots(), result)
        return figure
    parts: Any = figure.subfigures(2, 1, height_ratios=[height, more])
    top, below = parts
    _forest(top.subplots(), result)
    if curves:
        _kappa_curves(below, curves, rows)
    else:
        for axes, finding in zip(
            below.subplots(len(conditions), 1, squeeze=False).flat, conditions, strict=True
        ):
            _conditions(axes, finding)
    return figure


def _kappa_curves(figure: Any, findings: Sequence[Mapping[str, Any]], rows: int) -> None:
    """Three subjects in a row, with one legend."""
    grid = list(figure.subplots(rows, 3, squeeze=False, sharey=True).flat)
    for axes, finding in zip(grid, findings, strict=False):
        _kappa_curve(axes, finding)
    for axes in grid[len(findings) :]:
        axes.set_axis_off()
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=3, borderpad=0.2)


def _conditions(axes: Axes, finding: Mapping[str, Any]) -> None:
    """Each collection by how far its replicates share an order, and its test accuracy."""
    curves = finding["curves"]
    axes.plot(curves["order"], curves["test"], "o", color=BLUE)
    for name, x, y in zip(curves["collection"], curves["order"], curves["test"], strict=True):
        label = name.rpartition("/")[2]
        axes.annotate(label, (x, y), (3, 2), textcoords="offset points", fontsize=6.5)
    axes.set_xlabel("reliability of the order of one replicate, within class, test split")
    axes.set_ylabel("test accuracy")
    guides(axes)


def _forest(axes: Axes, result: Mapping[str, Any]) -> None:
    """One line for each subject: value, interval and null of its first measure."""
    findings: Sequence[Mapping[str, Any]] = result["measures"]
    shown: set[str] = set()
    name = ""
    for row, finding in enumerate(findings):
        name, first = next(iter(finding["measures"].items()))
        colour, marker = LOOKS[finding["verdict"]]
        label = None if finding["verdict"] in shown else finding["verdict"]
        shown.add(finding["verdict"])
        if first["null"]:
            low, high = first["null"]
            axes.plot([low, high], [row, row], color=INK, alpha=0.3, linewidth=5)
        if first["ci"]:
            axes.plot(first["ci"], [row, row], color=colour, linewidth=1.4)
        if first["value"] is None:
            axes.text(0.01, row, "undefined", va="center", fontsize=7)
        else:
            axes.plot(first["value"], row, marker, color=colour, markersize=4.5, label=label)
    for threshold in _thresholds(result, name):
        axes.axvline(threshold, color=INK, linestyle=(0, (4, 2)), linewidth=0.9, label="threshold")
    axes.set_yticks(range(len(findings)), list(map(_subject, findings)), fontsize=7)
    axes.set_ylim(len(findings) - 0.5, -0.5)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.0), max(high, 1.0))
    axes.set_xlabel(NAMES.get(name, name))
    axes.grid(axis="x", color=INK, alpha=0.12, linewidth=0.6)
    # beside the names of subjects, however long these are
    axes.figure.legend(loc="outside upper left", ncols=4, borderpad=0.2)


def _subject(finding: Mapping[str, Any]) -> str:
    """Name a subject by its study, and its collections without their datasets."""
    names = [name.rpartition("/")[2] for name in finding["subject"].split(" and ")]
    return f"{finding['study']}: {' and '.join(names)}, {finding['split']}"


def _thresholds(result: Mapping[str, Any], name: str) -> list[float]:
    keys = {"order": "single_reliability", "kappa": "kappa"}
    key = keys.get(name, "correlation")
    return [result["thresholds"][key]] if key in result["thresholds"] else []


def _kappa_curve(axes: Axes, finding: Mapping[str, Any]) -> None:
    """Kappa of correctness by epoch, beside what the same accuracies in each class would give."""
    curves = finding["curves"]
    epochs = np.array(curves["epoch"])
    kappa = np.array([np.nan if v is None else v for v in curves["fleiss_kappa"]])
    axes.plot(epochs, kappa, color=BLUE, label="kappa of correctness")
    for column, colour, alpha, label in (
        ("fleiss_kappa_ci", BLUE, 0.25, "95 % interval"),
        ("fleiss_kappa_null_class_ci", INK, 0.25, "null: only classes differ"),
    ):
        ends = np.array([[np.nan, np.nan] if v is None else v for v in curves[column]])
        axes.fill_between(epochs, *ends.T, color=colour, alpha=alpha, linewidth=0, label=label)
    axes.set_title(f"{finding['subject']}, {finding['split']}", loc="left", fontsize=7.5)
    axes.set_ylim(-0.05, 1)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    guides(axes)
