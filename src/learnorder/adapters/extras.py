"""A framework that is not installed is told in one line, with the extra that brings it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from learnorder.errors import ExtraMissing


@contextmanager
def framework(name: str, extra: str, package: str | None = None) -> Iterator[None]:
    """Import a framework inside of this.

    Parameters
    ----------
    name
        The module that may be missing.
    extra
        Extra of learnorder that brings it.
    package
        What people call it; the module without it.

    Raises
    ------
    ExtraMissing
        It is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name:
            raise  # something else is missing, which the framework needs
        raise ExtraMissing(
            f"adapters: {package or name} is not installed. It comes with the extra {extra!r}. "
            f"Install it with `pip install 'learnorder[{extra}]'`."
        ) from error
