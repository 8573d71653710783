"""Stage 7: the orders of several collections, held against each other."""
