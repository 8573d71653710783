"""Is the log at a path the one that a recorder goes on with? If not, what is the first difference.

One log holds one set of examples, in one order, and one kind of training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from learnorder.errors import ExamplesDiffer, SpecDiffers
from learnorder.log.creation import NewLog
from learnorder.log.examples import read_examples
from learnorder.log.layout import ABOUT, AS_SEEN, RECORDER, Header
from learnorder.schema import Examples

MISSING = object()


def refuse_other_log(path: Path, header: Header, wanted: NewLog) -> None:
    """Refuse a log of other examples, classes or training, naming the first difference.

    Raises
    ------
    ExamplesDiffer
        Splits, ids, labels, or their order are others.
    SpecDiffers
        Classes, what is said of the training, or what recorded it are others.
    LogDamaged
        The ids and labels of the log cannot be read.
    """
    if header.identity == wanted.identity:
        return
    if not header.is_recorded:
        raise SpecDiffers(
            f"Recorder: {path} is a log of `learnorder train`. A recorder writes its own. Give "
            "another path."
        )
    ours = {name: examples for name, (examples, _) in wanted.splits.items()}
    if sorted(header.splits) != sorted(ours):
        _refuse_examples(path, "splits", sorted(header.splits), sorted(ours))
    for name, examples in ours.items():
        if header.splits[name].fingerprint != examples.fingerprint():
            _refuse_split(path, name, read_examples(path, header, name), examples)
    theirs, names = header.class_names, wanted.dataset["class_names"]
    _refuse_other(path, "n_classes", len(theirs), len(names))
    for class_id, pair in enumerate(zip(theirs, names, strict=True)):
        _refuse_other(path, f"the name of class {class_id}", *pair)
    _refuse_other(path, "as_seen", header.as_seen, wanted.spec[RECORDER][AS_SEEN])
    _refuse_about(path, header.spec.get(ABOUT, {}), wanted.spec[ABOUT])
    raise SpecDiffers(
        f"Recorder: {path} is another log (identity {header.identity}, not {wanted.identity}). One "
        "log holds one training. Give another path."
    )


def _refuse_split(path: Path, name: str, theirs: Examples, ours: Examples) -> None:
    where = f"split {name!r}"
    if len(theirs) != len(ours):
        _refuse_examples(path, f"numbers of examples in {where}", len(theirs), len(ours))
    if (x := _first_difference(theirs.ids, ours.ids)) is not None:
        pair = theirs.ids[x].item(), ours.ids[x].item()
        _refuse_examples(path, f"ids at position {x} of {where}", *pair)
    if theirs.labels is None or ours.labels is None:
        known = ["no labels" if s.labels is None else "labels" for s in (theirs, ours)]
        _refuse_examples(path, f"knowledge of {where}", *known)
    elif (x := _first_difference(theirs.labels, ours.labels)) is not None:
        n = int((theirs.labels != ours.labels).sum())
        what = f"labels ({n:,} of {len(ours):,} in {where}; the first at position {x})"
        _refuse_examples(path, what, int(theirs.labels[x]), int(ours.labels[x]))


def _first_difference(a: Any, b: Any) -> int | None:
    if a.dtype.kind != b.dtype.kind:
        return 0
    differing = np.flatnonzero(a != b)
    return int(differing[0]) if differing.size else None


def _refuse_examples(path: Path, what: str, theirs: object, ours: object) -> NoReturn:
    raise ExamplesDiffer(
        f"Recorder: {path} holds other {what}: {theirs!r} in the log and {ours!r} here. All "
        "replicates of a log have the same examples in the same order. Give them as they are in "
        "the log, or another path."
    )


def _refuse_other(path: Path, what: str, theirs: object, ours: object) -> None:
    if theirs != ours:
        raise SpecDiffers(
            f"Recorder: {path} is another log: {what} is {theirs!r} there and {ours!r} here. "
            "Replicates of a log differ in nothing but their seed. Give the same, or another path."
        )


def _refuse_about(path: Path, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name in _names(theirs, ours):
        one, two = theirs.get(name, MISSING), ours.get(name, MISSING)
        if one != two:
            shown = ["not given" if value is MISSING else value for value in (one, two)]
            _refuse_other(path, f"about[{name!r}]", *shown)


def _names(*mappings: Mapping[str, Any]) -> Sequence[str]:
    return sorted(set().union(*mappings))
