"""The splits that measures are tested on."""

from tests.measures.conftest import lazy, random_log

__all__ = ["lazy", "random_log"]
