"""Arguments and options that several commands share, written once."""

from __future__ import annotations

import click

LOG = click.argument("log", metavar="LOG")
"""A folder or a URL."""

LOGS = click.argument("logs", metavar="LOG...", nargs=-1, required=True)

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

SPLIT = click.option("--split", default="test", show_default=True, help="Which examples.")

TAKE_OVER = click.option(
    "--take-over",
    is_flag=True,
    help="Where there are no locks: replace claims of processes that have ended.",
)
