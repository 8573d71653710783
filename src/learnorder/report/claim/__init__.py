"""The figure of a claim, from its result file."""
