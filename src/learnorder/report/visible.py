"""Text of users as something that can be shown: nothing hidden in it acts."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

KEPT_CONTROLS: Final = frozenset("\t\n\u200c\u200d")
"""White space, and the joiners that Persian, Indic scripts and emoji need to be readable."""

HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""Text in which every character without a shape is named instead of acted upon.

    Controls, bidirectional overrides, line separators and lone surrogates could reorder or hide
    what stands around them.

    Examples
    --------
    >>> visible("a\x00b\u202ec")
    'a⟨U+0000⟩b⟨U+202E⟩c'
    """
    if text.isascii() and text.isprintable():
        return text
    named = {
        ord(c): f"⟨U+{ord(c):04X}⟩"
        for c in set(text) - KEPT_CONTROLS
        if unicodedata.category(c) in HIDDEN_CATEGORIES
    }
    return text.translate(named) if named else text


FOLDERS: Final = re.compile(
    r"(?<![\w:/\\.])(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\",;:]+[\\/])+([^\s\\/'\",;:]*)"
)


def without_folders(text: str) -> str:
    """Text in which an absolute path is its last name: a report says nothing of a machine.

    Examples
    --------
    >>> without_folders("no /home/ann/data/cats.npz, nor C:\\\\ann\\\\dogs.npz; see https://a.b/c/d")
    'no …/cats.npz, nor …/dogs.npz; see https://a.b/c/d'
    """
    return FOLDERS.sub(r"…/\1", text)


def shorten(text: str, most: int = 80) -> str:
    """Text of at most ``most`` characters; an ellipsis says that it was cut.

    Examples
    --------
    >>> shorten("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else text[: most - 1] + "…"
