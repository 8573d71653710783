"""Stage 5: a log becomes numbers, each labelled and defined once."""
