"""The table of built-in architectures, and what can be checked of a choice without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from learnorder.datasets.dataset import Kind
from learnorder.errors import LearnOrderError, nearest

_HOME: Final = "learnorder.training.architectures"

_IMPORT_STRING: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class ArchitectureEntry:
    """One built-in architecture.

    Attributes
    ----------
    name
        What a spec calls it.
    kinds
        Kinds of inputs it reads.
    summary
        One line of what it is.
    options
        Its options with their defaults; an int is at least 1.
    source
        Key of the reference it follows; empty for what needs none.
    factory
        Import string of the callable that builds it.
    smallest_image
        Least height and width of an image, in pixels.
    revision
        Counts up when it computes other numbers than before, be it in the last bits.
    """

    name: str
    kinds: tuple[Kind, ...]
    summary: str
    options: Mapping[str, int | bool]
    source: str
    factory: str
    smallest_image: int = 1
    revision: int = 1


_VECTORS: Final = ("image", "features")
_NO_OPTIONS: Final[Mapping[str, int | bool]] = MappingProxyType({})


def _entry(
    name: str,
    kinds: tuple[Kind, ...],
    summary: str,
    factory: str,
    *,
    options: Mapping[str, int | bool] = _NO_OPTIONS,
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


_TABLE: Final = (
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


def known_architectures() -> list[ArchitectureEntry]:
    """Return the built-in architectures, simplest first.

    Examples
    --------
    >>> [entry.name for entry in known_architectures() if "text" in entry.kinds]
    ['bag-of-embeddings', 'bilstm', 'bilstm-attention', 'transformer']
    """
    return list(_TABLE)


def revision(name: str) -> int:
    """Return the revision of a built-in architecture; 1 for what is no such name."""
    return next((entry.revision for entry in _TABLE if entry.name == name), 1)


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
    entries = {entry.name: entry for entry in _TABLE}
    if name not in entries:
        raise LearnOrderError(
            f"architecture: {name!r} is unknown. {nearest(name, entries)} "
            "An own network is named package.module:callable."
        )
    entry = entries[name]
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
    else:
        wanted = "a whole number of at least 1"
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not fits:
        raise LearnOrderError(
            f"architecture: option {option!r} of {entry.name!r} is {value!r}. "
            f"It is {wanted}. The default is {str(default).lower()}."
        )
