"""Names of users where only some letters can stand: in figures, and in names of files."""

from __future__ import annotations

import re


def plot_name(name: str, otherwise: str) -> str:
    """The name if a figure's letters can show it, else a short stand-in that the caption explains.

    Examples
    --------
    >>> plot_name("lenet", "A"), plot_name("网络", "A")
    ('lenet', 'A')
    """
    return name if name.isascii() and name.isprintable() and 0 < len(name) <= 24 else otherwise


def file_name(*words: str) -> str:
    """A name of a file, without ending, that every system accepts.

    Examples
    --------
    >>> file_name("kappa", "st-VGG", "test"), file_name("kappa", "../网")
    ('kappa-st-vgg-test', 'kappa')
    """
    plain = (re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40] for word in words)
    return "-".join(word for word in plain if word)


def letters(i: int) -> str:
    """A, B, ... Z, AA, AB, ...: what stands for a name that a figure cannot show.

    Examples
    --------
    >>> letters(0), letters(25), letters(26)
    ('A', 'Z', 'AA')
    """
    text = ""
    i += 1
    while i:
        i, rest = divmod(i - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
