"""What is no result of a claim is refused in one line, with its place and value."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from tests.claims.written import put, result, shared

from learnorder.claims.pages import write_pages
from learnorder.claims.results import LARGEST_FILE, read_result
from learnorder.errors import LearnOrderError


def changed(*path: Any, to: Any) -> Callable[[dict[str, Any]], Any]:
    """Put something else at a place of a result."""

    def change(content: dict[str, Any]) -> Any:
        at = content
        for key in path[:-1]:
            at = at[key]
        if to is ...:
            del at[path[-1]]
        else:
            at[path[-1]] = to
        return content

    return change


ROW = ("measures", 0)
ORDER_OF = (*ROW, "measures", "order")
REFUSED = {
    "no object": (lambda _: [], "it is a list with 0 entries"),
    "missing measures": (changed("measures", to=...), "measures is missing"),
    "null measures": (changed("measures", to=None), "measures is None"),
    "missing statement": (changed("statement", to=...), "statement is missing"),
    "claim": (
        changed("claim", to="robus"),
        "claim is no claim. The nearest known name is 'robust'",
    ),
    "scale": (changed("scale", to="huge"), "scale is 'huge'"),
    "status": (changed("status", to="new"), "status is 'new'"),
    "verdict": (changed(*ROW, "verdict", to="maybe"), r"measures[0].verdict is 'maybe'"),
    "verdict of a part": (changed(*ROW, "because", "order", to=1), "because.order is 1"),
    "part": (changed(*ROW, "because", to={"x": "holds"}), "is judged by 'x', which is none"),
    "text for a value": (changed(*ORDER_OF, "value", to="0.8"), "order.value is '0.8'"),
    "truth for a value": (changed(*ORDER_OF, "value", to=True), "order.value is True"),
    "one end": (changed(*ORDER_OF, "ci", to=[0.7]), "order.ci is a list with 1 entries"),
    "ends turned": (changed(*ORDER_OF, "ci", to=[0.9, 0.7]), "lower end above its upper"),
    "no reason": (changed(*ORDER_OF, "ci", to=None), "measures.order has no ci, and no reason"),
    "empty reason": (changed(*ORDER_OF, "undefined", to={"ci": ""}), "undefined.ci is ''"),
    "threshold": (changed(*ORDER_OF, "threshold", to=...), "order.threshold is missing"),
    "large": (changed(*ORDER_OF, "value", to=10**400), "order.value is 1000000000"),
    "replicates": (changed(*ROW, "n_replicates", to="6"), "n_replicates is '6'"),
    "fewer than none": (changed(*ROW, "n_replicates", to=-1), "n_replicates is -1"),
    "no measures": (changed(*ROW, "measures", to={}), "is judged by 'order'"),
    "curve": (changed(*ROW, "curves", "epoch", to=[1]), "different length ('epoch' 1, 'acc"),
    "curve of texts": (
        changed(*ROW, "curves", "epoch", to=["a", 1, 2]),
        "'epoch', where [0] is 'a'",
    ),
    "ends of a curve": (
        changed(*ROW, "curves", "fleiss_kappa_ci", to=[None, None, [1]]),
        "'fleiss_kappa_ci', where [2] is a list with 1",
    ),
    "surrogate": (changed("statement", to="\ud800"), r"statement is '\\ud800'"),
    "surrogate key": (
        changed("not_run", to={"\ud800": "x"}),
        r"is '\\ud800': input should be a valid str",
    ),
    "surrogate version": (changed("versions", "a", to=["\udfff"]), r"has '\\udfff' as versions"),
    "version": (changed("versions", "a", to={}), "versions.'a', which is no text"),
    "finding": (
        changed(*ROW, "verdict", to="does not hold"),
        "measures[0] is judged 'does not hold', which does not follow from 'order': holds",
    ),
    "outside": (changed(*ORDER_OF, "value", to=0.95), "value 0.95 outside its interval [0.7"),
    "side": (changed(*ORDER_OF, "side", to="left"), "order.side is 'left'"),
    "part against its interval": (
        changed(*ORDER_OF, "side", to="below"),
        "has 'holds' for 'order', but 'does not hold' follows from its interval",
    ),
    "too few replicates": (
        changed(*ROW, "n_replicates", to=4),
        "is judged 'holds', which does not follow",
    ),
    "seeds": (
        changed("collections", "small-mammals/st-vgg", "n_replicates", to=9),
        "has 9 replicates, but 6 seeds",
    ),
    "no date": (changed("since", to="yesterday"), "since Invalid isoformat"),
    "date out of range": (
        changed("since", to="0001-01-01T00:00:00+14:00"),
        "since is out of the range of dates",
    ),
    "no date of training": (
        changed("versions", "trained_from", to="a and b"),
        "has 'a and b' as versions.'trained_from'",
    ),
    "date of training without zone": (
        changed("versions", "trained_from", to="2026-01-01"),
        "'trained_from': has no time zone",
    ),
    "date": (changed("since", to="2026-01-01"), "since has no time zone"),
    "claim's verdict": (changed("verdict", to="does not hold"), "but 'holds' follows"),
    "together": (changed("together", to="most"), "together is 'most'"),
    "limits": (
        changed("collections", "small-mammals/st-vgg", "spec", to={}),
        "spec.dataset is missing",
    ),
    "a terminal's": (changed("measures", to="\x1b[31m"), r"measures is '\\x1b[31m'"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_result_is_refused_in_one_line(change, words, tmp_path):
    path = put(tmp_path, change(deepcopy(result(shared()))))
    with pytest.raises(LearnOrderError) as refused:
        write_pages(tmp_path)
    message = str(refused.value)
    assert words.replace("\\\\", "\\") in message
    assert str(path) in message
    assert message.isprintable()
    assert len(message) < 600
    assert not (tmp_path / "README.md").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expecting value"),
        ("[" * 200_000, "nested too deeply"),
        (json.dumps(result(shared())).replace("0.8", "1e999", 1), "order.value is inf"),
        (json.dumps(result(shared())).replace("0.8", "NaN", 1), "NaN stands in it"),
        (json.dumps(result(shared())).replace("0.8", "-Infinity", 1), "-Infinity stands in it"),
        (json.dumps(result(shared())).replace("0.8", "9" * 5000, 1), "digits"),
    ],
    ids=["empty", "deep", "1e999", "nan", "infinity", "digits"],
)
def test_what_is_no_json_is_refused_in_one_line(text, words, tmp_path):
    with pytest.raises(LearnOrderError, match=words) as refused:
        read_result(put(tmp_path, text))
    assert str(refused.value).isprintable()


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = put(tmp_path, "")
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with pytest.raises(LearnOrderError, match=f"more than {LARGEST_FILE // 2**20} MiB"):
        read_result(path)


def test_fields_that_are_not_known_are_left_alone(tmp_path):
    content = result(shared() | {"later": 1}, later={"deep": [None]})
    assert read_result(put(tmp_path, content)) == content


def test_too_little_learned_may_leave_a_verdict_open(tmp_path):
    """The rule of a broken order says nothing where too little was learned."""
    row = shared() | {"verdict": "inconclusive", "split": "train"}
    row["measures"]["accuracy"] = row["measures"].pop("kappa")
    row["because"] = {"order": "does not hold", "accuracy": "inconclusive"}
    read_result(put(tmp_path, result(row, verdict="inconclusive", claim="random-labels")))
