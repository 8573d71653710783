"""Stage 6: the orders of several collections, held against each other."""
