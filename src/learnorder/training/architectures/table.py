"""The table of built-in networks and other learners; what can be checked of a choice by name."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from learnorder.datasets.dataset import Kind
from learnorder.errors import LearnOrderError, nearest
from learnorder.schema import ERROR_NORM, MARGIN, PROBABILITY

_HOME: Final = "learnorder.training.architectures"
_LEARNERS: Final = "learnorder.training.learners"

Option = int | bool | float
Family = Literal["network", "boosting", "trees", "linear", "neighbours"]
Scores = Literal["logits", "probabilities", "decisions"]

_OF_SCORES: Final[Mapping[Scores, tuple[str, ...]]] = MappingProxyType(
    {
        "logits": (PROBABILITY, MARGIN, ERROR_NORM),
        "probabilities": (PROBABILITY, ERROR_NORM),
        "decisions": (),
    }
)
"""What can be recorded of the label: shares of votes are 0 for many classes, which have no logit
then, and decisions (votes of boosting, distances of a support vector machine) are neither."""

_IMPORT_STRING: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class ArchitectureEntry:
    """One built-in architecture: a network, or another learner.

    Attributes
    ----------
    name
        What a spec calls it.
    family
        ``network``, or which kind of other learner.
    kinds
        Kinds of inputs it reads.
    summary
        One line of what it is.
    options
        Its options with their defaults; an int is at least 1, a float above 0.
    source
        Key of the reference it follows; empty for what needs none.
    factory
        Import string of the callable that builds the network, or that trains the learner.
    smallest_image
        Least height and width of an image, in pixels.
    revision
        Counts up when it computes other numbers than before, be it in the last bits.
    scores
        What the numbers are whose largest is the prediction.
    """

    name: str
    kinds: tuple[Kind, ...]
    summary: str
    options: Mapping[str, Option]
    source: str
    factory: str
    smallest_image: int = 1
    revision: int = 1
    family: Family = "network"
    scores: Scores = "logits"

    @property
    def is_learner(self) -> bool:
        """Whether it is no network: what it does in rounds takes the place of epochs."""
        return self.family != "network"

    @property
    def quantities(self) -> tuple[str, ...]:
        """What can be recorded of the label beside predictions, see `schema.OF_LABEL`."""
        return _OF_SCORES[self.scores]


_VECTORS: Final = ("image", "features")
_ALL_KINDS: Final = ("image", "features", "text")
_NO_OPTIONS: Final[Mapping[str, Option]] = MappingProxyType({})


def _entry(
    name: str,
    kinds: tuple[Kind, ...],
    summary: str,
    factory: str,
    *,
    options: Mapping[str, Option] = _NO_OPTIONS,
    source: str = "",
    smallest_image: int = 1,
    revision: int = 1,
) -> ArchitectureEntry:
    return ArchitectureEntry(
        name,
        kinds,
        summary,
        MappingProxyType(dict(options)),
        source,
        f"{_HOME}.{factory}",
        smallest_image,
        revision,
    )


def _learner(
    name: str,
    family: Family,
    summary: str,
    factory: str,
    *,
    options: Mapping[str, Option],
    source: str,
    scores: Scores,
) -> ArchitectureEntry:
    return ArchitectureEntry(
        name,
        _ALL_KINDS,
        summary,
        MappingProxyType(dict(options)),
        source,
        f"{_LEARNERS}.{factory}",
        family=family,
        scores=scores,
    )


_NETWORKS: Final = (
    _entry("linear", _VECTORS, "one linear layer", "linear:linear"),
    _entry(
        "deep-linear",
        _VECTORS,
        "linear layers with nothing between them",
        "linear:deep_linear",
        options={"depth": 3, "width": 256},
        source="saxe2014exact",
    ),
    _entry(
        "mlp",
        _VECTORS,
        "dense hidden layers with ReLU",
        "dense:mlp",
        options={"depth": 1, "width": 256, "dropout": False},
    ),
    _entry(
        "lenet",
        ("image",),
        "two 5x5 convolutions (16, 32) with ReLU and max-pool, dense 128",
        "lenet:lenet",
        options={"width": 16, "dropout": False},
        source="lecun1998gradient",
        smallest_image=16,
    ),
    _entry(
        "st-vgg",
        ("image",),
        "four pairs of convolutions (32 to 256) with ELU, max-pool and dropout, dense 512",
        "st_vgg:st_vgg",
        options={"batch_norm": False, "dropout": True, "width": 32},
        source="hacohen2020agree",
        smallest_image=16,
        revision=2,
    ),
    _entry(
        "resnet-8",
        ("image",),
        "residual network, one block each of 16, 32 and 64",
        "resnet:resnet_8",
        options={"width": 16},
        source="he2016deep",
        revision=2,
    ),
    _entry(
        "resnet-20",
        ("image",),
        "residual network, three blocks each of 16, 32 and 64",
        "resnet:resnet_20",
        options={"width": 16},
        source="he2016deep",
        revision=2,
    ),
    _entry(
        "alexnet",
        ("image",),
        "two 5x5 convolutions (64) with max-pool and local normalisation, dense 384 and 192",
        "alexnet:alexnet",
        options={"width": 64},
        source="zhang2017understanding",
    ),
    _entry(
        "inception",
        ("image",),
        "eight modules of 1x1 beside 3x3 convolutions, with batch normalisation",
        "inception:inception",
        options={"width": 16},
        source="zhang2017understanding",
    ),
    _entry(
        "vgg-16",
        ("image",),
        "13 convolutions (64 to 512) with batch normalisation and max-pool, one dense layer",
        "vgg:vgg_16",
        options={"width": 64},
        source="simonyan2015very",
    ),
    _entry(
        "vgg-19",
        ("image",),
        "16 convolutions (64 to 512) with batch normalisation and max-pool, one dense layer",
        "vgg:vgg_19",
        options={"width": 64},
        source="simonyan2015very",
    ),
    _entry(
        "resnet-18",
        ("image",),
        "residual network, two blocks each of 64, 128, 256 and 512",
        "resnet:resnet_18",
        options={"width": 64},
        source="he2016deep",
    ),
    _entry(
        "resnet-50",
        ("image",),
        "residual network, 3, 4, 6 and 3 bottlenecks (256 to 2048)",
        "resnet:resnet_50",
        options={"width": 64},
        source="he2016deep",
    ),
    _entry(
        "densenet",
        ("image",),
        "three blocks of layers that each read all before them, with bottlenecks",
        "densenet:densenet",
        options={"depth": 40, "growth": 12},
        source="huang2017densely",
        smallest_image=4,
    ),
    _entry(
        "bag-of-embeddings",
        ("text",),
        "mean of the word vectors, one linear layer",
        "text:bag_of_embeddings",
        options={"embedding_dim": 100, "train_vectors": False},
        source="joulin2017bag",
    ),
    _entry(
        "bilstm",
        ("text",),
        "bidirectional LSTM over the word vectors, its last states, one linear layer",
        "text:bilstm",
        options={"embedding_dim": 100, "hidden": 64, "train_vectors": False},
        source="graves2005framewise",
    ),
    _entry(
        "bilstm-attention",
        ("text",),
        "bidirectional LSTM over the word vectors, additive attention, one linear layer",
        "text:bilstm_attention",
        options={"embedding_dim": 100, "hidden": 64, "train_vectors": False},
        source="zhou2016attention",
    ),
    _entry(
        "transformer",
        ("text",),
        "Transformer encoder with sinusoidal positions, mean over the tokens, one linear layer",
        "transformer:transformer",
        options={
            "embedding_dim": 100,
            "width": 64,
            "depth": 2,
            "heads": 4,
            "train_vectors": False,
        },
        source="vaswani2017attention",
    ),
)

_OTHERS: Final = (
    _learner(
        "logistic-regression",
        "linear",
        "softmax regression, one iteration of L-BFGS a round",
        "linear:logistic_regression",
        options={"c": 1.0, "bootstrap": True},
        source="liu1989limited",
        scores="logits",
    ),
    _learner(
        "linear-svm",
        "linear",
        "support vector machine, squared hinge, one class against the rest; L-BFGS as above",
        "linear:linear_svm",
        options={"c": 1.0, "bootstrap": True},
        source="fan2008liblinear",
        scores="decisions",
    ),
    _learner(
        "k-nn",
        "neighbours",
        "vote of the k nearest training examples, k the round",
        "neighbours:k_nn",
        options={"bootstrap": True},
        source="cover1967nearest",
        scores="probabilities",
    ),
    _learner(
        "random-forest",
        "trees",
        "one tree a round, each on its own bootstrap and random features",
        "forest:random_forest",
        options={"min_samples_leaf": 1},
        source="breiman2001random",
        scores="probabilities",
    ),
    _learner(
        "adaboost-stumps",
        "boosting",
        "AdaBoost (SAMME), one tree of max_depth a round",
        "adaboost:adaboost_stumps",
        options={"max_depth": 1, "learning_rate": 1.0, "bootstrap": True},
        source="zhu2009multi",
        scores="decisions",
    ),
    _learner(
        "adaboost-linear",
        "boosting",
        "AdaBoost (SAMME), one short softmax regression a round",
        "adaboost:adaboost_linear",
        options={"iterations": 10, "learning_rate": 1.0, "bootstrap": True},
        source="zhu2009multi",
        scores="decisions",
    ),
    _learner(
        "gradient-boosting",
        "boosting",
        "one tree per class a round, on the gradient, splits among random features",
        "gradient_boosting:gradient_boosting",
        options={
            "learning_rate": 0.1,
            "max_features": 0.5,
            "max_leaf_nodes": 31,
            "min_samples_leaf": 20,
            "bootstrap": False,
        },
        source="friedman2001greedy",
        scores="logits",
    ),
)

_TABLE: Final = (*_NETWORKS, *_OTHERS)
_ENTRIES: Final = {entry.name: entry for entry in _TABLE}


def known_architectures() -> list[ArchitectureEntry]:
    """Return the built-in architectures: networks, then other learners, each simplest first.

    Examples
    --------
    >>> [e.name for e in known_architectures() if "text" in e.kinds and not e.is_learner]
    ['bag-of-embeddings', 'bilstm', 'bilstm-attention', 'transformer']
    >>> [e.name for e in known_architectures() if e.family == "trees"]
    ['random-forest']
    """
    return list(_TABLE)


def revision(name: str) -> int:
    """Return the revision of a built-in architecture; 1 for what is no such name."""
    return _ENTRIES[name].revision if name in _ENTRIES else 1


def learner(name: str) -> ArchitectureEntry | None:
    """Return the entry of a learner that is no network; None for networks and unknown names."""
    entry = _ENTRIES.get(name)
    return entry if entry is not None and entry.is_learner else None


def check_architecture(
    name: str, options: Mapping[str, Any], kind: Kind | None = None
) -> ArchitectureEntry | None:
    """Return the entry of a built-in architecture, or None for a well-formed import string.

    Parameters
    ----------
    name
        A built-in name, or ``package.module:callable``.
    options
        As given; those of an import string are checked when it is built.
    kind
        Of the inputs, where it is known already.

    Raises
    ------
    LearnOrderError
        The name is unknown, an option is unknown or of the wrong type, or the architecture does
        not read inputs of this kind.
    """
    if ":" in name:
        if _IMPORT_STRING.fullmatch(name) is None:
            raise LearnOrderError(
                f"architecture: {name!r} is no import string. Import strings are of the form "
                "package.module:callable. Correct it, or use a built-in name."
            )
        return None
    if name not in _ENTRIES:
        raise LearnOrderError(
            f"architecture: {name!r} is unknown. {nearest(name, _ENTRIES)} "
            "An own network is named package.module:callable."
        )
    entry = _ENTRIES[name]
    for option, value in options.items():
        _check_option(entry, option, value)
    if kind is not None and kind not in entry.kinds:
        readers = ", ".join(e.name for e in _TABLE if kind in e.kinds)
        raise LearnOrderError(
            f"architecture: {name!r} does not read inputs of kind {kind!r}. "
            f"It reads {' and '.join(entry.kinds)}. For {kind!r} use one of: {readers}."
        )
    return entry


def _check_option(entry: ArchitectureEntry, option: str, value: Any) -> None:
    if option not in entry.options:
        advice = nearest(option, entry.options) if entry.options else "It has no options."
        raise LearnOrderError(f"architecture: {entry.name!r} has no option {option!r}. {advice}")
    default = entry.options[option]
    if isinstance(default, bool):
        wanted, fits = "true or false", isinstance(value, bool)
    elif isinstance(default, float):
        wanted = "a number above 0"
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        fits = fits and 0 < value < math.inf
    else:
        wanted = "a whole number of at least 1"
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not fits:
        raise LearnOrderError(
            f"architecture: option {option!r} of {entry.name!r} is {value!r}. "
            f"It is {wanted}. The default is {str(default).lower()}."
        )
