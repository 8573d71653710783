"""The errors a caller can act on; each message says what is wrong, what holds, what to do next."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches


class LearnOrderError(ValueError):
    """What was asked for cannot be done; the message is one line for a person."""


class DataNotFound(LearnOrderError):
    """A dataset, or a file of one, is not where it was looked for."""

    dataset: str | None = None
    """Name of the dataset, where `load_dataset` knows it."""


class LogNotFound(LearnOrderError):
    """There is no log at this path."""


class LogDamaged(LearnOrderError):
    """A committed part of a log is missing or differs from its commit record."""


class LogBusy(LearnOrderError):
    """Another process holds the claim on this replicate."""


class SpecDiffers(LearnOrderError):
    """The log at this path was made from another spec."""


class ExamplesDiffer(LearnOrderError):
    """Two logs do not hold the same examples in the same order with the same labels."""


class ExtraMissing(LearnOrderError):
    """An optional dependency is needed and not installed."""

    dataset: str | None = None
    """Name of the dataset that needs it to be read, if one does."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Sentence that names the nearest known name, then all of them.

    Examples
    --------
    >>> nearest("lenett", ["lenet", "mlp"])
    "The nearest known name is 'lenet'; known are: lenet, mlp."
    >>> nearest("qqq", ["lenet", "mlp"])
    'Known are: lenet, mlp.'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    listing = ", ".join(names)
    if close:
        return f"The nearest known name is {close[0]!r}; known are: {listing}."
    return f"Known are: {listing}."


def check_choice(caller: str, option: str, value: object, known: Collection[str]) -> None:
    """Refuse what is none of the known values of an option.

    Examples
    --------
    >>> check_choice("compare", "clock", "hour", ["epoch", "accuracy"])
    Traceback (most recent call last):
    learnorder.errors.LearnOrderError: compare: unknown clock 'hour'. Known are: accuracy, epoch.
    """
    if value not in known:
        raise LearnOrderError(f"{caller}: unknown {option} {value!r}. {nearest(str(value), known)}")


def count_of(n: int, noun: str) -> str:
    """Return a number with its noun, or its nouns, in the plural unless there is one.

    Examples
    --------
    >>> count_of(1, "replicate"), count_of(12_000, "example"), count_of(2, "class")
    ('1 replicate', '12,000 examples', '2 classes')
    >>> count_of(0, "file or folder")
    '0 files or folders'
    """
    words = noun.split(" or ")
    plural = [f"{word}es" if word.endswith(("s", "x")) else f"{word}s" for word in words]
    return f"{n:,} {' or '.join(words if n == 1 else plural)}"
