"""The numbers in plain sentences; each sentence follows from the numbers by a fixed rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from learnorder.errors import count_of
from learnorder.report.tables import epoch_name, interval, number, percent, reason
from learnorder.report.visible import shorten, without_folders

BIMODALITY_ALONE = (
    "Bimodality is never read alone: it falls below its nulls when examples split into those that "
    "every replicate knows and those that none knows, but near accuracy 1 it can lie above them "
    "although the replicates agree far beyond chance, and differences between classes alone lower "
    "it. So both nulls, the distribution above and kappa, which allows for accuracy, stand beside "
    "it."
)

MOST_EPOCHS = 10
"""Epochs that are listed; the others are counted."""

MOST_OF_IT = 0.5
"""Lower end of an interval of reliability above which an order counts as shared, not as partly."""


def verdict(summary: Mapping[str, Any]) -> str:
    """Whether an order is shared: judged by the lower ends of the reliability intervals."""
    order = summary["order"]
    n = summary["n_replicates"]
    if order["reliability"] is None:
        return f"Whether an order is shared cannot be said: {reason(order, 'reliability')}."
    ci = order["reliability_ci"]
    if ci is None:
        why = reason(order, "reliability_ci")
        return f"Whether an order is shared is not judged without an interval: {why}."
    if ci[0] <= 0:
        return f"No shared order is shown by these {n} replicates."
    shared = "share an order" if ci[0] > MOST_OF_IT else "share an order in part"
    return f"The {n} replicates {shared}{_within(order)}."


def _within(order: Mapping[str, Any]) -> str:
    """How the verdict goes on about the order within classes."""
    ci = order["reliability_within_class_ci"]
    if ci is None:
        undefined = order["reliability_within_class"] is None
        key = "reliability_within_class" + ("" if undefined else "_ci")
        return f"; within classes that cannot be said: {reason(order, key)}"
    if ci[0] <= 0:
        return "; within classes that is not shown"
    return ", within classes too" if ci[0] > MOST_OF_IT else ", within classes in part"


def order_sentence(summary: Mapping[str, Any]) -> str:
    """Reliability with its interval, overall and within classes."""
    order = summary["order"]
    if order["reliability"] is None:
        return ""
    within = order["reliability_within_class"]
    within_text = (
        f"undefined ({reason(order, 'reliability_within_class')})"
        if within is None
        else _with_ci(within, order["reliability_within_class_ci"])
    )
    return (
        f"The reliability of the order is {_with_ci(order['reliability'], order['reliability_ci'])}"
        f", within classes {within_text}."
    )


def null_sentence(summary: Mapping[str, Any]) -> str:
    """What reliability would be if only chance, or only the classes, made the order."""
    order = summary["order"]
    nulls = [
        (order.get("reliability_null_ci"), "if right answers fell on examples at random"),
        (order.get("reliability_null_class_ci"), "if only the classes differed"),
    ]
    said = [f"at most about {number(ci[1])} {what}" for ci, what in nulls if ci is not None]
    return f"It would be {' and '.join(said)}." if said else ""


def _with_ci(value: float, ci: Sequence[float] | None) -> str:
    """A number with its interval in brackets."""
    return (
        number(value)
        if ci is None
        else f"{number(value)} (95\N{NO-BREAK SPACE}% interval {interval(ci)})"
    )


def _found(row: Mapping[str, Any], key: str) -> str:
    """A number with its interval in brackets, or why there is none."""
    value, ci = row[key], row[f"{key}_ci"]
    if ci is None:
        return f"{number(value)} (no interval: {reason(row, f'{key}_ci')})"
    return _with_ci(value, ci)


def last_epoch_sentence(summary: Mapping[str, Any]) -> str:
    """Accuracy and kappa after the last epoch, with what chance would give."""
    row = summary["per_epoch"][-1]
    right = (
        f"After epoch {epoch_name(row['epoch'])} a replicate is right on "
        f"{percent(row['accuracy_mean'])} of the examples on average."
    )
    if row["fleiss_kappa"] is None:
        return f"{right} Kappa is undefined: {reason(row, 'fleiss_kappa')}."
    return (
        f"{right} The replicates agree on which ones with a kappa of "
        f"{_found(row, 'fleiss_kappa')}; if right answers fell on examples at random, it would be "
        "about 0."
    )


def bimodality_sentence(summary: Mapping[str, Any]) -> str:
    """Bimodality after the last epoch beside both nulls."""
    if summary["n_replicates"] < 2:
        return "With one replicate it is 0 whatever was learned, and says nothing."
    row = summary["per_epoch"][-1]
    when = f"After epoch {epoch_name(row['epoch'])}"
    if row["bimodality"] is None:
        return f"{when} it is undefined: {reason(row, 'bimodality')}."
    nulls = [
        (row["bimodality_null"], "if all examples were equally hard"),
        (row["bimodality_null_class"], "if they differed only by class"),
    ]
    defined = [(value, what) for value, what in nulls if value is not None]
    beside = " and ".join(f"{number(value)} {what}" for value, what in defined)
    above = any(row["bimodality"] > value for value, _ in defined)
    caution = " Above a null it says nothing against agreement." if above else ""
    return f"{when} it is {number(row['bimodality'])}; it would be {beside}.{caution}"


def changed_labels_sentence(n_changed: int, n_examples: int) -> str:
    """What "right" means where labels were changed on purpose."""
    share = percent(n_changed / n_examples)
    return (
        f"The labels of {count_of(n_changed, 'example')} ({share}) were changed on purpose; right "
        "means as labelled, so networks that see through the change count as wrong there."
    )


def notes(summary: Mapping[str, Any]) -> list[str]:
    """What is said beside the numbers, as sentences."""
    return [f"{note[0].upper()}{note[1:]}." for note in summary["notes"]]


def unlabelled_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What can be said without labels."""
    row, key = summary["per_epoch"][-1], "fleiss_kappa_predictions"
    kappa = f"undefined ({reason(row, key)})" if row[key] is None else number(row[key])
    return [
        "This split has no labels, so only agreement between replicates is measured.",
        f"After epoch {epoch_name(row['epoch'])} an example's most frequent prediction is shared "
        f"by {percent(row['agreement_mean'])} of the {summary['n_replicates']} replicates on "
        f"average; Fleiss' kappa of the predictions is {kappa} (it is 0 where the shares of the "
        "classes alone would give as much agreement).",
    ]


def counted(summary: Mapping[str, Any]) -> str:
    """How many replicates and examples every number rests on."""
    n, planned = summary["n_replicates"], summary.get("n_replicates_planned")
    replicates = f"{n} of {count_of(planned, 'replicate')}" if planned else count_of(n, "replicate")
    return f"{replicates}, {count_of(summary['n_examples'], 'example')}"


def epochs_left_out_sentence(epochs: Sequence[float]) -> str:
    """Epochs that no number contains."""
    if not epochs:
        return ""
    listed = ", ".join(f"{epoch:g}" for epoch in epochs[:MOST_EPOCHS])
    more = f" and {len(epochs) - MOST_EPOCHS} more" if len(epochs) > MOST_EPOCHS else ""
    return f"Left out, since not all replicates have them: epochs {listed}{more}."


def left_out_sentence(left_out: Sequence[Mapping[str, Any]]) -> str:
    """Replicates that no number contains, with the reason; those of one reason together."""
    seeds_by_reason: dict[str, list[str]] = {}
    for entry in left_out:
        why = (
            f": {shorten(without_folders(str(entry['reason'])), 200)}"
            if entry.get("reason")
            else ""
        )
        found = seeds_by_reason.setdefault(f"{entry.get('status', 'left out')}{why}", [])
        found.append(str(entry.get("seed")))
    if not seeds_by_reason:
        return ""
    groups = [f"{_seeds(seeds)} ({why})" for why, seeds in seeds_by_reason.items()]
    return f"Left out: {'; '.join(groups)}."


def _seeds(seeds: Sequence[str], most: int = 10) -> str:
    """Names of seeds, the first ten and how many more."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    more = f" and {len(seeds) - most} more" if len(seeds) > most else ""
    return f"seeds {', '.join(seeds[:most])}{more}"


def pair_sentence(pair: Mapping[str, Any], *, named: bool = True) -> str:
    """How far two collections' orders agree once chance in each order is allowed for."""
    names = f"{pair['a']} against {pair['b']}: " if named else ""
    if pair.get("pearson") is None:
        return f"{names}undefined ({reason(pair, 'pearson')})."
    their = "their" if named else "Their"
    text = f"{names}{their} orders correlate {_with_ci(pair['pearson'], pair.get('pearson_ci'))}"
    if pair.get("corrected") is None:
        return f"{text}; the corrected correlation is undefined ({reason(pair, 'corrected')})."
    above = (
        " Above 1 is possible, because the ceiling is estimated too; nothing is clipped."
        if pair["corrected"] > 1
        else ""
    )
    return (
        f"{text}; with this many replicates at most about {number(pair['noise_ceiling'])} could "
        f"be seen, so the corrected correlation is "
        f"{_with_ci(pair['corrected'], pair.get('corrected_ci'))}.{above}"
    )


def pairs_sentence(pairs: Sequence[Mapping[str, Any]], n_collections: int) -> str:
    """The range of the corrected correlations of many pairs, overall and within class."""
    known = [pair for pair in pairs if pair.get("corrected") is not None]
    if not known:
        return f"The corrected correlations of all {len(pairs)} pairs are undefined."
    low, high = (f(known, key=lambda pair: float(pair["corrected"])) for f in (min, max))
    ends = [f"{number(p['corrected'])} ({p['a']} against {p['b']})" for p in (low, high)]
    text = (
        f"Between the {n_collections} collections, corrected for noise, orders correlate from "
        f"{ends[0]} to {ends[1]}"
    )
    within = [w["corrected"] for pair in pairs if (w := pair.get("within_class"))]
    within = [value for value in within if value is not None]
    if within:
        text += f"; within class from {number(min(within))} to {number(max(within))}"
    left = len(pairs) - len(known)
    return f"{text}." if not left else f"{text}; {left} of {len(pairs)} pairs are undefined."


def curve_alt(what: str, epochs: Sequence[float], values: Mapping[str, Sequence[float]]) -> str:
    """Alternative text of a figure over epochs: first and last value of each line."""
    lines = [
        f"{name} from {_or_undefined(line[0])} to {_or_undefined(line[-1])}"
        for name, line in values.items()
    ]
    first, last = epoch_name(epochs[0]), epoch_name(epochs[-1])
    return f"{what}, epoch {first} to {last}: {'; '.join(lines)}."


def _or_undefined(value: float) -> str:
    """A number, or the word for none."""
    return "undefined" if value != value else number(value)


def replicates(summary: Mapping[str, Any]) -> str:
    """The number of replicates, "n of N" where more were planned."""
    n, planned = summary["n_replicates"], summary.get("n_replicates_planned")
    return f"{n} of {planned}" if planned else str(n)
