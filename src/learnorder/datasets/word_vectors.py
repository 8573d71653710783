"""Word vectors in the text formats of GloVe and word2vec."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learnorder.datasets.dataset import WordVectors
from learnorder.errors import DataNotFound, LearnOrderError


def read_word_vectors(path: Path) -> WordVectors:
    """Words and vectors of a text file: on each line a word and its numbers, single spaces between.

    A first line of two whole numbers (words, dimensions), as word2vec writes it, is checked and
    left out. Some published words have spaces in them, so numbers are counted from the line's end.

    Raises
    ------
    DataNotFound
        There is no file.
    LearnOrderError
        A line has another number of values, a value that is no finite number, or a word again.
    """
    if not path.is_file():
        raise DataNotFound(
            f"read_word_vectors: there is no file {path}. It is a GloVe or word2vec text file. "
            "Correct the path."
        )
    words: dict[str, int] = {}
    rows: list[NDArray[np.float32]] = []
    announced: tuple[int, int] | None = None
    dimension = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            text = _decoded(line, path, number)
            fields = text.split(" ")
            if number == 1 and len(fields) == 2 and all(field.isdecimal() for field in fields):
                announced = int(fields[0]), int(fields[1])
                dimension = announced[1]
                continue
            dimension = dimension or len(fields) - 1
            word, row = _word_and_vector(text, dimension, f"line {number} of {path}")
            if word in words:
                raise LearnOrderError(
                    f"read_word_vectors: the word {word!r} on line {number} of {path} is also on "
                    "line "
                    f"{words[word]}. A word has one vector. Delete one of them."
                )
            words[word] = number
            rows.append(row)
    _refuse_other_count(path, announced, len(rows))
    return WordVectors(tuple(words), np.stack(rows))


def _decoded(line: bytes, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8").rstrip("\r\n ")
    except UnicodeDecodeError as error:
        raise LearnOrderError(
            f"read_word_vectors: line {number} of {path} is no UTF-8 ({error.reason} at byte "
            f"{error.start}). Word vectors are text. Use the .txt file, not a binary one."
        ) from error


def _word_and_vector(text: str, dimension: int, where: str) -> tuple[str, NDArray[np.float32]]:
    word, *values = text.rsplit(" ", dimension) if dimension else [text]
    if (
        dimension == 0
        or len(values) != dimension
        or _is_number(word.rpartition(" ")[2], " " in word)
    ):
        raise LearnOrderError(
            f"read_word_vectors: {where} has {len(text.split(' ')) - 1} values after the word, "
            f"{dimension or 'at least 1'} are expected. All lines have as many as the first. "
            "Correct or delete the line."
        )
    try:
        with np.errstate(over="ignore"):
            row = np.array(values, dtype=np.float64).astype(np.float32)
        position = int(np.argmin(np.isfinite(row)))
    except ValueError:
        row = np.array([np.nan], dtype=np.float32)
        position = next(i for i, value in enumerate(values) if not _is_number(value, True))
    if not np.isfinite(row).all():
        raise LearnOrderError(
            f"read_word_vectors: {values[position]!r} on {where} is no finite number (value "
            f"{position + 1} of the word {word!r}). Vectors are numbers. Correct or delete the "
            "line."
        )
    return word, row


def _is_number(text: str, asked: bool) -> bool:
    """Whether a text is a number; False where this is not asked."""
    try:
        return asked and float(text) is not None
    except ValueError:
        return False


def _refuse_other_count(path: Path, announced: tuple[int, int] | None, found: int) -> None:
    if found == 0 or (announced is not None and announced[0] != found):
        expected = announced[0] if announced else "at least 1"
        raise LearnOrderError(
            f"read_word_vectors: {path} has {found} words, {expected} are expected. "
            "A first line of two whole numbers announces how many. Copy or download it again."
        )
