"""What a reader returns and what it is told: not checked yet, so that checking happens once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from learnorder.datasets.checks import RawSplit
from learnorder.errors import DataNotFound


@dataclass(frozen=True)
class Source:
    """Splits as they were found, and the names of the classes where the source has them."""

    splits: Mapping[str, RawSplit]
    class_names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Options:
    """What a user can tell a reader about the columns and pictures of a source.

    Attributes
    ----------
    label_column
        Column with the labels; None for the usual one.
    text_column
        Column with the texts; None for the usual one.
    image_size
        Height and width to resize every image to; None keeps images that are all of one size.
    only_classes
        Class folders to read, where a reader can leave the others unread; None for all.
    usual_label_column
        What a known dataset calls its labels where no column is called ``label``.
    """

    label_column: str | None = None
    text_column: str | None = None
    image_size: int | None = None
    only_classes: tuple[str, ...] | None = None
    usual_label_column: str | None = None

    def given(self) -> list[str]:
        """Names of the options that were set."""
        names = ("label_column", "text_column", "image_size")
        return [name for name in names if getattr(self, name) is not None]


def require_folder(path: Path) -> None:
    """Raise where a reader needs a folder and there is none.

    Raises
    ------
    DataNotFound
        No folder is at this path.
    """
    if not path.is_dir():
        found = "is a file" if path.exists() else "does not exist"
        raise DataNotFound(
            f"load_dataset: {path} {found}. A folder is needed here. Give the path of the folder."
        )
