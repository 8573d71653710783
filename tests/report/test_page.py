"""Escaping and the page's own policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnorder.report.visible import HIDDEN_CATEGORIES, KEPT_CONTROLS, shorten, visible


@given(st.text())
def test_no_hidden_character_is_left(text: str) -> None:
    import unicodedata

    shown = visible(text)
    assert all(
        c in KEPT_CONTROLS or unicodedata.category(c) not in HIDDEN_CATEGORIES for c in shown
    )
    shown.encode("utf-8")


@pytest.mark.parametrize(
    "text", ["plain", "größer", "中文 text", "👩‍🔬 (joined)", "می‌خواهم", "a\tb\nc"]
)
def test_readable_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    "hidden", ["\x00", "\x1b", "\x7f", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]
)
def test_hidden_character_is_named(hidden: str) -> None:
    assert visible(f"a{hidden}b") == f"a⟨U+{ord(hidden):04X}⟩b"


def test_shortening_keeps_what_fits() -> None:
    assert shorten("x" * 80) == "x" * 80
    assert shorten("x" * 81) == "x" * 79 + "…"
