"""A reproduction that trains one replicate, says so, and waits to be stopped."""

from __future__ import annotations

import signal
import sys
import time

from tests.claims.tiny_claims import shrunk, trained_here, trimmed, unknown_budget

from learnorder.claims import recipe
from learnorder.claims import reproduce as reproduction
from learnorder.cli import main


def trains_one_and_waits(spec, seeds, *, out, **_: object) -> None:
    trained_here(spec, seeds[:1], out=out)
    sys.stdout.write("training\n")
    sys.stdout.flush()
    time.sleep(120)


if __name__ == "__main__":
    # also where whoever started the tests ignores Ctrl-C, as shells do for what runs behind
    signal.signal(signal.SIGINT, signal.default_int_handler)
    recipe.collection = shrunk
    reproduction.measure_budget = unknown_budget
    reproduction.train_collection = trains_one_and_waits
    reproduction.find_claims = recipe.find_claims = trimmed
    main(["reproduce", "benchmarks", "--out", sys.argv[1]])
