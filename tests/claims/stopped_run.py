"""A reproduction that comes to training, says so, and waits to be stopped."""

from __future__ import annotations

import signal
import sys
import time

from tests.claims.tiny_claims import shrunk, trimmed, unknown_budget

from learnorder.claims import recipe
from learnorder.claims import reproduce as reproduction
from learnorder.cli import main


def says_so_and_waits(*_: object, **__: object) -> None:
    sys.stdout.write("training\n")
    sys.stdout.flush()
    time.sleep(120)


if __name__ == "__main__":
    # also where whoever started the tests ignores Ctrl-C, as shells do for what runs behind
    signal.signal(signal.SIGINT, signal.default_int_handler)
    recipe.collection = shrunk
    reproduction.measure_budget = unknown_budget
    reproduction.train_collection = says_so_and_waits
    reproduction.find_claims = recipe.find_claims = trimmed
    main(["reproduce", "benchmarks", "--out", sys.argv[1]])
