"""What the paper claims and found, in our words: the first lines of each page."""

from __future__ import annotations

from collections.abc import Mapping

PAPER: Mapping[str, str] = {
    "same-architecture": (
        "The paper trains many networks of one architecture from different seeds. It finds that "
        "they learn the examples of the training set, and of the test set, in a similar order: "
        "while they learn, most examples are known to nearly all of them or to nearly none."
    ),
    "benchmarks": (
        "The paper finds the shared order on every benchmark that it tries, many of images and "
        "one of text."
    ),
    "across-architectures": (
        "The paper finds the shared order strongest within an architecture, and across "
        "architectures too: they start with the same examples, and the more powerful one may then "
        "go on to learn more."
    ),
    "robust": (
        "The paper finds that the order does not hang on how networks are trained: it survives "
        "other learning rates, batch sizes, optimisers, initialisations, widths, augmentation and "
        "orders of the data."
    ),
    "out-of-sample": (
        "The paper finds that networks which agree on their own test set also agree on sets whose "
        "classes they were never trained on, be they natural or artificial."
    ),
    "random-labels": (
        "The paper ascribes the shared order to how networks learn natural data. With labels that "
        "are shuffled, so that they have nothing to do with the images, it finds that the pattern "
        "breaks."
    ),
    "synthetic": (
        "With the architecture fixed, the paper shows synthetic datasets, of Gabor patches and of "
        "symmetric Gaussians, on which networks cease to share an order."
    ),
    "other-learners": (
        "With the dataset fixed, the paper shows that ways of learning other than neural networks, "
        "AdaBoost among them, may learn the examples in another order."
    ),
    "generalisation": (
        "The paper finds that the two go together: the more alike networks learn, the better they "
        "generalise."
    ),
}
"""By claim."""
