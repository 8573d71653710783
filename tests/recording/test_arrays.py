"""Arrays of any framework, and everything that is none, in one line."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from tests.recording.here import LABELS, classes, record, refused

import learnorder as lo

WANTED = np.array([2, 0, 1, 1, 2, 0, 0])
LOGITS = np.eye(3, dtype=np.float32)[WANTED] * 3 - 1


def torch_on_meta():
    return torch.zeros(7, 3, device="meta")


TAKEN = {
    "int8": lambda: WANTED.astype("int8"),
    "uint64, big-endian": lambda: WANTED.astype(">u8"),
    "list": WANTED.tolist,
    "list of numpy integers": lambda: list(WANTED),
    "list of rows": LOGITS.tolist,
    "float16": lambda: LOGITS.astype("float16"),
    "float64, by columns": lambda: np.asfortranarray(LOGITS.astype("float64")),
    "integer logits": lambda: LOGITS.astype("int32"),
    "minus infinity": lambda: np.where(LOGITS < 0, -np.inf, LOGITS),
    "torch classes": lambda: torch.tensor(WANTED),
    "torch uint8": lambda: torch.tensor(WANTED, dtype=torch.uint8),
    "torch logits with a gradient": lambda: torch.tensor(LOGITS, requires_grad=True) * 2,
    "torch bfloat16": lambda: torch.tensor(LOGITS).bfloat16().requires_grad_(),
    "torch float16": lambda: torch.tensor(LOGITS).half(),
    "torch float8": lambda: torch.tensor(LOGITS).to(torch.float8_e4m3fn),
    "torch view": lambda: torch.tensor(LOGITS.repeat(2, axis=1))[:, ::2],
    "torch parameter": lambda: torch.nn.Parameter(torch.tensor(LOGITS)),
    "list of torch numbers": lambda: list(torch.tensor(WANTED)),
}


@pytest.mark.parametrize("values", TAKEN.values(), ids=TAKEN)
def test_classes_and_logits_are_taken_from(begin, values):
    recorder = begin()
    recorder.record(1, "test", values())
    for _ in range(2):  # they have been taken as these classes, and as no others
        recorder.record(1, "test", WANTED)
    recorder.record(1, "train", classes(1, "train"))
    assert recorder.last_epoch == 1


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_arrays_of_frameworks_that_may_not_be_here(begin, framework):
    made = pytest.importorskip(framework)
    array = made.numpy.asarray if framework == "jax" else made.convert_to_tensor
    narrow = made.numpy.bfloat16 if framework == "jax" else made.bfloat16
    recorder = begin()
    recorder.record(1, "test", array(LOGITS))
    recorder.record(1, "test", array(WANTED.astype("int32")))
    recorder.record(1, "test", array(LOGITS, dtype=narrow))
    recorder.record(1, "train", array(classes(1, "train").astype("int32")), index=array(range(12)))
    assert recorder.last_epoch == 1


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
@pytest.mark.parametrize("row", [0, 5])
def test_logits_that_are_no_numbers_name_epoch_split_and_the_first_example(begin, kind, row):
    recorder = begin(ids={"test": list("abcdefg")})
    logits = LOGITS.astype(kind)
    logits[row:, 1] = np.nan
    first = f"example {row} \\(id '{'af'[row > 0]}'\\)"
    message = f"epoch 4, split 'test': {7 - row} of 7 .* NaN, first {first}"
    with refused(message):
        recorder.record(4, "test", logits)
    with refused("NaN"):
        recorder.record(4, "test", torch.tensor(logits).bfloat16())
    assert len(recorder.missing(4, "test")) == 7


def test_of_equal_logits_the_lowest_class_counts(begin):
    recorder = begin()
    for values in (np.zeros((7, 3)), torch.zeros(7, 3).half(), np.zeros(7, int)):
        recorder.record(1, "test", values)


REFUSED = {
    "too few": (np.zeros(6, int), r"shape \(6,\); the split has 7 examples"),
    "too many logits": (np.zeros((8, 3)), r"shape \(8, 3\); the split has 7 examples"),
    "transposed": (np.zeros((3, 7)), r"shape \(3, 7\); the split has 7 examples"),
    "a number": (1, r"shape \(\); the split has 7 examples"),
    "three dimensions": (np.zeros((7, 3, 1)), r"shape \(7, 3, 1\)\. They are classes"),
    "one column": (np.zeros((7, 1)), "One column is no choice"),
    "more columns": (np.zeros((7, 4)), r"\(7, 4\); the log has 3 classes.*n_classes"),
    "negative": (np.arange(7) - 1, "example 0 is predicted as class -1"),
    "outside": (np.arange(7), "example 3 is predicted as class 3"),
    "not recorded": (np.full(7, 255, np.uint8), "example 0 is predicted as class 255"),
    "huge": (np.full(7, 2**64 - 1, np.uint64), "class 18446744073709551615"),
    "single probabilities": (np.full(7, 0.5), r"one dimension and the type float64.*threshold"),
    "bool": (np.ones(7, bool), r"type bool.*astype\(int\)"),
    "bool of torch": (torch.ones(7, dtype=torch.bool), "type bool"),
    "complex": (np.ones((7, 3), complex), "of type complex128"),
    "str": (list("0120120"), "of type <U1"),
    "object": (np.array([0, 1, None, 1, 2, 0, 0]), r"of type object \(the first is int\)"),
    "ragged": ([[1, 2], [1]] * 3 + [[1]], "cannot be read as an array"),
    "nothing": (None, "of type NoneType"),
    "dict": ({"logits": LOGITS}, "of type dict"),
    "meta device": (torch_on_meta(), "cannot be read as an array .NotImplementedError"),
    "sparse": (torch.tensor(LOGITS).to_sparse(), "cannot be read as an array"),
    "masked": (np.ma.masked_array(WANTED, WANTED == 1), "are masked, first at position 2"),
    "datetime": (np.zeros(7, "datetime64[s]"), r"of type datetime64\[s\]"),
    "record": (np.zeros(7, [("a", "i4")]), "of type"),
}  # fmt: skip


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_predictions_that_are_none_are_refused_and_nothing_is_recorded(begin, values, message):
    recorder = begin()
    with refused(r"epoch 1, split 'test': .*" + message):
        recorder.record(1, "test", values)
    assert len(recorder.missing(1, "test")) == 7
    record(recorder, [1])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 1], r"shape \(3,\); the index has 2 positions"),
        ([0, 1, 7], "contains 7. The split has 7 examples"),
        ([0, 1, -1], "contains -1"),
        ([0.0, 1.0, 2.0], r"shape \(3,\) and the type float64"),
        ([True, False, True], "the type bool"),
        ([[0, 1, 2]], r"shape \(1, 3\)"),
        (["a", "b", "c"], "the positions in index are of type <U1"),
    ],
)
def test_index_that_is_none_is_refused(begin, index, message):
    with refused(message):
        begin().record(1, "test", [0, 1, 2], index=index)


@pytest.mark.parametrize(
    "epoch", [-1, np.nan, np.inf, "1", None, True, 1j, 1e13, [1], torch.tensor(1)]
)
def test_epoch_that_is_none_is_refused(begin, epoch):
    with refused("number of passes over the training set"):
        begin().record(epoch, "test", classes(1, "test"))


def test_numbers_of_numpy_are_epochs_and_seeds(begin):
    recorder = begin(np.int64(4))
    record(recorder, [np.float32(0.5), np.int16(1)])
    assert recorder.last_epoch == 1
    assert isinstance(recorder.last_epoch, int)


@pytest.mark.parametrize("split", ["tests", "", None, 3, ["test"]])
def test_split_that_was_not_declared_is_refused(begin, split):
    with refused(r"split .* was not declared\. .*[Kk]nown are: test, train"):
        begin().record(1, split, classes(1, "test"))


DECLARATIONS = {
    "seed negative": ({"seed": -1}, "seed = -1"),
    "seed float": ({"seed": 1.0}, r"seed = 1\.0"),
    "seed bool": ({"seed": True}, "seed = True"),
    "seed large": ({"seed": 2**63}, "seed = 9223372036854775808"),
    "labels none": ({"labels": {}}, "labels is empty"),
    "labels array": ({"labels": np.arange(3)}, "labels is a ndarray"),
    "labels empty": ({"labels": {"test": []}}, "split 'test' has no examples"),
    "labels bool": ({"labels": {"test": [True, False]}}, "label True at position 0"),
    "labels float": ({"labels": {"test": [0.0, 1.5]}}, r"label 1\.5 at position 1"),
    "labels str": ({"labels": {"test": ["a", "b"]}}, "the labels are of type <U1"),
    "labels object": ({"labels": {"test": [1, None]}}, "the labels are of type object"),
    "labels negative": ({"labels": {"test": [1, -1]}}, "label -1 at position 1"),
    "labels 2-D": ({"labels": {"test": [[1, 0]]}}, r"labels of the shape \(1, 2\)"),
    "labels 0-D": ({"labels": {"test": 1}}, r"labels of the shape \(\)"),
    "labels huge": ({"labels": {"test": [2**40]}}, "1,099,511,627,777 classes"),
    "split name": ({"labels": {"../test": [1]}}, "cannot name a split"),
    "split of zarr": ({"labels": {"zarr.json": [1]}}, "cannot name a split"),
    "split no str": ({"labels": {1: [1]}}, "1 cannot name a split"),
    "no labels, no ids": ({"labels": {"a": [1], "b": None}}, "'b' has neither labels nor ids"),
    "no labels at all": (
        {"labels": {"a": None}, "ids": {"a": [1]}}, "nothing says how many classes"),
    "ids doubled": ({"ids": {"test": [1] * 7}}, "id 1 stands at positions 0 and 1"),
    "ids too few": ({"ids": {"test": [1]}}, r"7 examples and ids of the shape \(1,\)"),
    "ids float": ({"ids": {"test": [0.5] * 7}}, "neither an integer nor a str"),
    "ids of both kinds": (
        {"ids": {"test": ["a", 1, "b", "c", "d", "e", "f"]}}, "id 1 at position 1"),
    "ids number": ({"ids": {"test": 5}}, r"ids of the shape \(\)"),
    "ids unknown": ({"ids": {"tests": range(7)}}, "ids has the split 'tests'"),
    "ids array": ({"ids": np.arange(7)}, "ids is a ndarray"),
    "n_classes small": ({"n_classes": 2}, "label 2 at position 2 is outside the 2 classes"),
    "n_classes zero": ({"n_classes": 0}, "0 classes"),
    "n_classes float": ({"n_classes": 3.0}, r"n_classes = 3\.0"),
    "class names text": ({"class_names": "abc"}, "class_names is 'abc'"),
    "class names doubled": ({"class_names": ["a", "b", "a"]}, "all different"),
    "class names and number": (
        {"class_names": ["a", "b", "c"], "n_classes": 4}, "4 and there are 3 class names"),
    "as_seen unknown": ({"as_seen": "trian"}, "names the split 'trian'.*nearest.*'train'"),
    "as_seen list": ({"as_seen": [["train"]]}, r"names the split \['train'\]"),
    "as_seen bool": ({"as_seen": True}, "as_seen = True"),
    "about list": ({"about": [1]}, "about is a list"),
    "about object": ({"about": {"net": object()}}, r"about\['net'\]"),
    "about nan": ({"about": {"lr": float("nan")}}, r"about\['lr'\] = nan"),
    "about text": ({"about": {"lr": "\ud800"}}, r"about\['lr'\]"),
    "about key": ({"about": {1: 2}}, r"about\[1\]"),
    "examples table": ({"examples": {"test": np.zeros((7, 4))}}, "nothing can be shown"),
    "examples few": ({"examples": {"test": ["a"]}}, "1 for 7 labels"),
    "examples channels": (
        {"examples": {"test": torch.zeros(7, 3, 8, 8)}}, "Put the channels last"),
    "examples mixed": (
        {"examples": {"test": ["a"] * 7, "train": np.zeros((12, 8, 8), "u1")}}, "of one kind"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), DECLARATIONS.values(), ids=DECLARATIONS)
def test_declaration_that_does_not_fit_is_refused_and_writes_nothing(begin, path, options, message):
    with refused(message):
        begin(**options)
    assert not path.exists()


def test_places_where_no_log_can_be(begin, path, tmp_path):
    path.write_text("a file")
    with refused("exists and is no log"):
        begin()
    path.unlink()
    begin().close()
    with refused("lies inside the log"):
        lo.Recorder(path / "inner.zarr", seed=0, labels=LABELS)
    with refused("names no place"):
        lo.Recorder("", seed=0, labels=LABELS)


NO_FRAMEWORK = """
import sys
import learnorder as lo
with lo.Recorder(sys.argv[1], seed=0, labels={"test": [0, 1]}) as recorder:
    recorder.record(1, "test", [[1.0, 0.0], [0.0, 1.0]])
heavy = {"torch", "jax", "tensorflow", "matplotlib", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_recording_loads_no_framework(path):
    subprocess.run([sys.executable, "-c", NO_FRAMEWORK, str(path)], check=True)
    assert lo.open_log(path)["test"].sizes["epoch"] == 1
