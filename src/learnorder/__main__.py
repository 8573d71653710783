"""``python -m learnorder`` is the command ``learnorder``."""

from learnorder.cli import main

main(prog_name="learnorder")
