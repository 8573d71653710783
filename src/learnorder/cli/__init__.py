"""Stage 10: one command per step; a command parses, calls one function and prints.

Results go to stdout, progress and messages to stderr. Exit status 0: done; 1: an error, in one
line; 2: a malformed command line.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from learnorder.cli.catalogues import architectures, datasets, measures
from learnorder.cli.demo import demo
from learnorder.cli.exchange import export, import_
from learnorder.cli.inspection import info, verify
from learnorder.cli.maintenance import compact, gc, merge
from learnorder.cli.plan import plan
from learnorder.cli.rank import rank
from learnorder.cli.reproduce import reproduce
from learnorder.cli.results import compare, measure, report
from learnorder.cli.training import train
from learnorder.errors import LearnOrderError

WALK = [
    demo,
    datasets,
    measures,
    architectures,
    train,
    plan,
    info,
    verify,
    compact,
    gc,
    merge,
    measure,
    compare,
    rank,
    report,
    reproduce,
    import_,
    export,
]


class InWalkOrder(click.Group):
    """Lists commands in the order a user meets them, and turns errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in order."""
        return [str(command.name) for command in WALK]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what cannot be done is one line on stderr and exit status 1."""
        try:
            return super().invoke(ctx)
        except LearnOrderError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail(
                f"{ctx.invoked_subcommand}: interrupted. What was written is whole. "
                "Run the same command again."
            )
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            _fail(
                f"{ctx.invoked_subcommand}: the system refused: {error.strerror or error}{place}. "
                "Files have to be readable, and outputs lie where this process may write and there "
                "is room. Check the paths and the disk."
            )


@click.group(cls=InWalkOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="learnorder", message="%(prog)s %(version)s")
def main() -> None:
    """Which examples do networks learn first, and do independently trained networks agree?

    \b
    learnorder demo                                  the whole walk on real digits, offline
    learnorder train SPEC.toml --out runs/mlp.zarr   your own collection
    """


for _command in WALK:
    main.add_command(_command)


def _fail(message: str) -> None:
    from learnorder.report.visible import visible

    click.echo(f"learnorder: {visible(' '.join(message.split()))}", err=True)
    sys.exit(1)
