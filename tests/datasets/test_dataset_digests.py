from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from learnorder.datasets.dataset import Dataset, WordVectors

N = 8


def _dataset(ids=None, labels=None, x=None, **extra):
    labels = [0, 1, 2, 0, 1, 2, 0, 1] if labels is None else labels
    x = np.arange(N * 2.0).reshape(N, 2) if x is None else x
    return Dataset.from_arrays(x, labels, x, labels, ids_train=ids, **extra)


@given(order=st.permutations(range(N)))
def test_fingerprint_changes_with_the_order_of_ids_and_only_then(order):
    same = list(order) == list(range(N))
    assert (_dataset(ids=list(order)).fingerprint() == _dataset().fingerprint()) == same


@given(position=st.integers(0, N - 1), step=st.integers(0, 2))
def test_fingerprint_changes_with_a_label_and_only_then(position, step):
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    labels[position] = (labels[position] + step) % 3
    changed = _dataset(labels=labels).fingerprint() != _dataset().fingerprint()
    assert changed == (step != 0)


@given(shift=st.floats(0.5, 3), name=st.text(max_size=5))
def test_fingerprint_leaves_inputs_and_name_out(shift, name):
    other = _dataset(x=np.full((N, 2), shift), name=name)
    assert other.fingerprint() == _dataset().fingerprint()


def test_fingerprint_tells_numbers_from_their_spelling():
    assert _dataset(ids=[str(i) for i in range(N)]).fingerprint() != _dataset().fingerprint()


def test_fingerprint_covers_further_splits():
    more = _dataset(extra={"far": (np.zeros((1, 2)), None)})
    assert more.fingerprint() != _dataset().fingerprint()


@given(position=st.integers(0, N * 2 - 1), value=st.floats(0, 20, width=32))
def test_inputs_digest_changes_with_an_input_and_only_then(position, value):
    x = np.arange(N * 2.0).reshape(N, 2)
    changed = x.flat[position] != value
    x.flat[position] = value
    assert (_dataset(x=x).inputs_digest() != _dataset().inputs_digest()) == changed


def test_inputs_digest_leaves_ids_and_labels_out():
    other = _dataset(ids=list(range(10, 10 + N)), labels=[2, 1, 0, 2, 1, 0, 2, 1])
    assert other.inputs_digest() == _dataset().inputs_digest()


def test_inputs_digest_tells_shapes_apart():
    images = np.zeros((2, 2, 3), dtype=np.uint8)
    flat = Dataset.from_arrays(images, [0, 1], images, [0, 1])
    turned = images.reshape(2, 3, 2)
    assert (
        flat.inputs_digest() != Dataset.from_arrays(turned, [0, 1], turned, [0, 1]).inputs_digest()
    )


def test_inputs_digest_of_texts_sees_where_one_ends():
    one = Dataset.from_arrays(["ab", "c"], [0, 1], ["x"], [0])
    other = Dataset.from_arrays(["a", "bc"], [0, 1], ["x"], [0])
    assert one.inputs_digest() != other.inputs_digest()


def test_inputs_digest_covers_word_vectors():
    plain = Dataset.from_arrays(["a", "b"], [0, 1], ["a"], [0])
    vectors = WordVectors(("a", "b"), np.zeros((2, 3), dtype=np.float32))
    moved = replace(vectors, vectors=np.ones((2, 3), dtype=np.float32))
    digests = {replace(plain, word_vectors=v).inputs_digest() for v in (None, vectors, moved)}
    assert len(digests) == 3
