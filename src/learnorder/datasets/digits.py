"""The handwritten digits that come with scikit-learn: 1,797 real images, no file needed."""

from __future__ import annotations

import numpy as np

from learnorder.datasets.checks import RawSplit
from learnorder.datasets.sampling import stratified_positions
from learnorder.datasets.source import Source
from learnorder.errors import ExtraMissing

N_TEST = 500
SPLIT_KEY = (1797, 500)
"""Fixed for good: another key is another test set."""


def read_digits() -> Source:
    """Read the digits: 8x8 grey as ``round(value * 255 / 16)``, 1,297 train, 500 test examples.

    The split is drawn once and for all, each class in proportion; ids are positions in the source.

    Raises
    ------
    ExtraMissing
        scikit-learn is not installed.

    References
    ----------
    alpaydin1998digits.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ExtraMissing(
            "load_dataset: 'digits' comes with scikit-learn, which is not installed. "
            'It is part of an extra. Run `pip install "learnorder[train]"`.'
        ) from error
    source = load_digits()
    images = np.rint(source.images * (255 / 16)).astype(np.uint8)
    labels = source.target.astype(np.int64)
    test = stratified_positions(labels, N_TEST, SPLIT_KEY)
    train = np.setdiff1d(np.arange(len(labels)), test)
    splits = {
        "train": RawSplit(images[train], labels[train], train),
        "test": RawSplit(images[test], labels[test], test),
    }
    return Source(splits, class_names=tuple("0123456789"))
