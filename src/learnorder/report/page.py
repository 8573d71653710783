"""From values to safe HTML: escaping, visible control characters, and the page's own policy.

Whatever comes from a user (names, ids, texts, the spec) passes :func:`visible` and Jinja's
autoescape, in every place of the template, because both are settings of the environment.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from learnorder.report.visible import visible

GENERATOR: Final = "learnorder report"
"""Marks a file as ours, so that a report may replace a report and nothing else."""


def data_uri(content: bytes, media_type: str) -> str:
    """The bytes as an address that needs no network."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def _finalize(value: Any) -> Any:
    """What the environment does to every value it prints."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    """Jinja with autoescape everywhere and no silent blanks for missing names.

    Kept, because a page is filled several times until it fits, and templates are compiled once.
    """
    return Environment(
        loader=PackageLoader("learnorder.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fill_page(values: dict[str, Any]) -> str:
    """The finished page: style and script inside, and a policy that allows nothing else.

    The script is on the page where ``values`` has a ``payload`` for it.
    """
    environment = _environment()
    style = _source(environment, "report.css")
    script = _source(environment, "select.js") if values.get("payload") else ""
    scripts = f"script-src {_digest(script)}; " if script else ""
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; {scripts}"
        "base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template("report.html.j2").render(
        **values,
        style=Markup(style),
        script=Markup(script),
        policy=policy,
        generator=GENERATOR,
    )
    return page.lstrip()


def _source(environment: Environment, name: str) -> str:
    loader = environment.loader
    if loader is None:  # pragma: no cover - the environment above always has one
        raise RuntimeError("the environment has no loader")
    return loader.get_source(environment, name)[0]


def _digest(content: str) -> str:
    """How a policy names what stands in the page."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
