"""Stage 7: one split of a log -> a list of its examples: which to look at, and in which order."""
