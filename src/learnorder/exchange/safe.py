"""What a file may cost before it is read: a small file must not fill the memory."""

from __future__ import annotations

import os

from learnorder.errors import LearnOrderError

MOST_LINE = 64 << 20
"""Bytes of one line of text; longer ones are no rows."""


def memory_limit() -> int:
    """Bytes that what is read may take: half of the memory of this machine."""
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) // 2


def require_room(n_bytes: int, what: str) -> None:
    """Refuse what would not fit the memory, before it is allocated.

    Raises
    ------
    LearnOrderError
        It needs more than `memory_limit`.
    """
    if n_bytes > memory_limit():
        raise LearnOrderError(
            f"import: {what} declares {n_bytes:,} bytes; at most {memory_limit():,}, half of the "
            "memory of this machine, are read. The file is damaged or made to do harm, or it needs "
            "a larger machine. Check it, or split it by seed."
        )
