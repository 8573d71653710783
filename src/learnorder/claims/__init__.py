"""The claims of the paper: what is trained for each, what is measured, and the rule of its verdict.

`recipes` holds them as TOML: collections by dataset, and one file for each claim. A claim reads
logs, finds evidence, and a rule that was fixed before makes a verdict of it.
"""

from __future__ import annotations

from typing import Literal, get_args

Scale = Literal["quick", "medium", "full"]
"""How large: in under an hour, in hours, as in the paper."""

SCALES: tuple[Scale, ...] = get_args(Scale)
