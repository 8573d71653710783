"""The log against plain xarray on Zarr, at the sizes it is made for: ``make bench-log``.

Every operation runs in a fresh process and in turn with what it is compared with, several times.
Rates per core are taken on one core. With ``--write`` the tables go into RESULTS.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import growth, rates, whole
from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.results import ORDER, RESULTS, Section, keep

SECTIONS: dict[str, Callable[[Bench], Section]] = {
    "write": rates.write,
    "size": rates.size,
    "compact": rates.compact,
    "read": rates.read,
    "agreement": rates.agreement,
    "measure": whole.measure,
    "growth": growth.growth,
    "recording": whole.recording,
    "real": whole.real,
}


def main() -> None:
    """Run the sections asked for and print them."""
    given = _arguments()
    sizes = QUICK if given.quick else FULL
    repeats = 1 if given.quick else given.repeats
    print(f"bench-log: needs up to {sizes.disk_bytes / 1e9:.2g} GB of disk", file=sys.stderr)
    if given.scratch is not None:
        given.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=given.scratch) as scratch:
        bench = Bench(sizes, repeats, Path(scratch))
        for name in given.sections:
            if sizes.lacks_data(name):
                print(f"{name}: left out, LEARNORDER_DATA has no fashion-mnist", file=sys.stderr)
                continue
            print(name, file=sys.stderr, flush=True)
            section = SECTIONS[name](bench)
            print(section.to_markdown(), flush=True)
            if given.write:
                keep(section, ORDER, given.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench-log", description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", default=list(SECTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes, once: does it run?")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file than that")
    parser.add_argument("--scratch", type=Path, help="where the logs go (default: temporary)")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"{', '.join(sorted(unknown))}: the sections are {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    main()
