"""What a user says of the examples becomes what a log says of itself, or one clear error."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from learnorder.datasets.checks import checked_inputs, checked_labels
from learnorder.datasets.dataset import Split
from learnorder.datasets.previews import previews
from learnorder.errors import LearnOrderError, nearest
from learnorder.ids import checked_ids, id_array, is_storable
from learnorder.log.creation import NewLog
from learnorder.log.labelled import MOST_UNNAMED
from learnorder.log.layout import ABOUT, AS_SEEN, RECORDER, check_split_name
from learnorder.log.provenance import provenance, versions_of
from learnorder.recording.arrays import as_numpy
from learnorder.schema import Examples, Previews

FRAMEWORKS = (
    *("torch", "jax", "tensorflow", "keras", "flax", "lightning", "transformers", "skorch"),
    *("fastai", "sklearn", "xgboost", "lightgbm"),
)
"""Whose versions are kept where they are loaded, as they are imported."""


def declared_log(
    labels: Any, ids: Any, n_classes: Any, class_names: Any, examples: Any, as_seen: Any, about: Any
) -> NewLog:
    """What a log of these examples says of itself; see `Recorder` for the arguments.

    Raises
    ------
    LearnOrderError
        Something does not fit; the message names the first value and its position.
    """
    declared = _declared_examples(labels, _mapping(ids, "ids", labels))
    names = _class_names(declared, n_classes, class_names)
    _refuse_outside(declared, len(names))
    kind, shown = _previews(declared, _mapping(examples, "examples", labels))
    seen = _as_seen(as_seen, declared)
    spec: dict[str, Any] = {RECORDER: {AS_SEEN: seen}, ABOUT: _plain(about)}
    fingerprint = _digest({name: split.fingerprint() for name, split in declared.items()})
    return NewLog(
        spec=spec,
        identity=_digest({**spec, "examples": fingerprint, "class_names": names}),
        dataset={
            "name": "recorded",
            "kind": kind,
            "fingerprint": fingerprint,
            "class_names": names,
        },
        provenance=provenance(versions()),
        splits={name: (split, shown.get(name)) for name, split in declared.items()},
    )


def versions() -> dict[str, str]:
    """Versions of what is loaded in this process and may have made predictions."""
    loaded = {name: sys.modules[name] for name in FRAMEWORKS if name in sys.modules}
    found = {name: str(getattr(m, "__version__", "unknown")) for name, m in loaded.items()}
    return {**versions_of("numpy"), **found}


def _mapping(given: Any, what: str, labels: Any) -> Mapping[str, Any]:
    """An optional argument by split, which names no other splits than the labels do."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise LearnOrderError(
            f"Recorder: {what} is a {type(given).__name__}. It maps the name of a split to those "
            f"of its examples. Pass for example {what}={{'test': ...}}."
        )
    if isinstance(labels, Mapping) and (unknown := [name for name in given if name not in labels]):
        raise LearnOrderError(
            f"Recorder: {what} has the split {unknown[0]!r}, which labels does not have. "
            f"{nearest(str(unknown[0]), map(str, labels))}"
        )
    return given


def _declared_examples(labels: Any, ids: Mapping[str, Any]) -> dict[str, Examples]:
    if not isinstance(labels, Mapping) or not labels:
        what = "empty" if isinstance(labels, Mapping) else f"a {type(labels).__name__}"
        raise LearnOrderError(
            f"Recorder: labels is {what}. It maps the name of each split to the labels of its "
            "examples. Pass for example labels={'train': y_train, 'test': y_test}."
        )
    found = {}
    for name, given in labels.items():
        if not isinstance(name, str):
            raise LearnOrderError(
                f"Recorder: {name!r} cannot name a split. Names are str. Rename the split."
            )
        check_split_name(name)
        found[name] = _split_examples(f"Recorder: split {name!r}", given, ids.get(name))
    return found


def _split_examples(where: str, labels: Any, ids: Any) -> Examples:
    if labels is None and ids is None:
        raise LearnOrderError(
            f"{where} has neither labels nor ids. A split without labels needs ids, which say what "
            "its examples are. Pass ids, for example range(1000)."
        )
    array = None if labels is None else as_numpy(labels, f"{where}: the labels")
    named = None if ids is None else _named(ids, where)
    counted: Any = named if array is None else array
    n_examples = len(counted) if getattr(counted, "ndim", 1) else 1
    if not n_examples:
        raise LearnOrderError(f"{where} has no examples. A split has at least one. Leave it out.")
    given = None if array is None else checked_labels(array, n_examples, where)
    return Examples(checked_ids(named, n_examples, where), given)


def _named(ids: Any, where: str) -> Any:
    """Ids of a framework's array or of anything else as numpy's."""
    on_device = hasattr(ids, "detach")
    return as_numpy(ids, f"{where}: the ids") if on_device else id_array(ids, where)


def _class_names(declared: Mapping[str, Examples], n_classes: Any, names: Any) -> list[str]:
    """One name for each class: those given, or the class ids."""
    if names is not None:
        return _given_names(names, n_classes)
    if n_classes is not None:
        if isinstance(n_classes, bool) or not isinstance(n_classes, int | np.integer):
            raise LearnOrderError(
                f"Recorder: n_classes = {n_classes!r}. It is the number of classes that can be "
                "predicted, an integer from 1 up. Correct it."
            )
        count = int(n_classes)
    else:
        labels = [s.labels for s in declared.values() if s.labels is not None]
        if not labels:
            raise LearnOrderError(
                "Recorder: no split has labels, so nothing says how many classes there are. Pass "
                "n_classes."
            )
        count = max(int(given.max()) for given in labels) + 1
    if not 1 <= count <= MOST_UNNAMED:
        raise LearnOrderError(
            f"Recorder: {count:,} classes. There are 1 to {MOST_UNNAMED:,}, counted from 0. Number "
            "the classes anew."
        )
    return [str(class_id) for class_id in range(count)]


def _given_names(names: Any, n_classes: Any) -> list[str]:
    is_list = isinstance(names, Sequence | np.ndarray) and not isinstance(names, str)
    given = [str(n) if isinstance(n, str) else n for n in names] if is_list else []
    problem = next((name for name in given if not is_storable(name)), None)
    if not given or problem is not None or len(set(given)) < len(given):
        raise LearnOrderError(
            f"Recorder: class_names is {names!r:.80}. It is a list with one name for each class, "
            "all different. Correct it."
        )
    if n_classes is not None and n_classes != len(given):
        raise LearnOrderError(
            f"Recorder: n_classes is {n_classes!r} and there are {len(given)} class names. Each "
            "class has one name. Give the one or the other."
        )
    return given


def _refuse_outside(declared: Mapping[str, Examples], n_classes: int) -> None:
    for name, split in declared.items():
        if split.labels is None:
            continue
        outside = np.flatnonzero(split.labels >= n_classes)
        if outside.size:
            x = int(outside[0])
            raise LearnOrderError(
                f"Recorder: split {name!r}: label {split.labels[x]} at position {x} is outside the "
                f"{n_classes} classes. Labels are 0 to {n_classes - 1}. Give a larger n_classes, "
                "or correct the label."
            )


def _previews(
    declared: Mapping[str, Examples], shown: Mapping[str, Any]
) -> tuple[str, dict[str, Previews]]:
    """Kind of the inputs, and what a person sees of some of them."""
    kinds, found = {"features"} if not shown else set(), {}
    for name, given in shown.items():
        where = f"Recorder: examples of split {name!r}"
        kind, inputs = checked_inputs(_inputs(given), where)
        if len(inputs) != len(declared[name]):
            raise LearnOrderError(
                f"{where}: {len(inputs)} for {len(declared[name])} labels. There is one for each "
                "example, in the order of the labels. Pass all of them."
            )
        preview = previews(Split(inputs, declared[name]), kind)
        if preview is None:
            raise LearnOrderError(
                f"{where} are a table of numbers, of which nothing can be shown. They are images "
                "or texts. Leave them out."
            )
        kinds.add(kind)
        found[name] = preview
    if len(kinds) > 1:
        raise LearnOrderError(
            "Recorder: examples of some splits are images and of others texts. They are of one "
            "kind. Leave the one or the other out."
        )
    return kinds.pop(), found


def _inputs(given: Any) -> Any:
    """Arrays of a framework as numpy's; texts stay what they are."""
    if hasattr(given, "detach") or hasattr(given, "__array__"):
        return given if isinstance(given, np.ndarray) else as_numpy(given, "Recorder: examples")
    return given


def _as_seen(given: Any, declared: Mapping[str, Examples]) -> list[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, Collection) or isinstance(names, Mapping):
        raise LearnOrderError(
            f"Recorder: as_seen = {given!r}. It names the splits whose predictions are collected "
            "while training. Pass for example as_seen='train'."
        )
    for name in names:
        if not isinstance(name, str) or name not in declared:
            raise LearnOrderError(
                f"Recorder: as_seen names the split {name!r}, which labels does not have. "
                f"{nearest(str(name), declared)}"
            )
    return sorted(set(names))


def _plain(about: Any) -> dict[str, Any]:
    """Hyper-parameters as JSON keeps them."""
    if about is None:
        return {}
    if not isinstance(about, Mapping):
        raise LearnOrderError(
            f"Recorder: about is a {type(about).__name__}. It maps names to values. Pass for "
            "example about={'learning_rate': 0.1}."
        )
    for name, value in about.items():
        try:
            if not isinstance(name, str):
                raise TypeError("its name is no str")
            json.dumps({name: value}, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise LearnOrderError(
                f"Recorder: about[{name!r}] = {value!r:.60} cannot be kept ({error}). What is kept "
                "are str, numbers, True, False, None, lists and mappings of these. Convert it, or "
                "leave it out."
            ) from error
    plain: dict[str, Any] = json.loads(json.dumps(dict(about)))
    return plain


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
