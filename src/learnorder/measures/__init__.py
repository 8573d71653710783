"""Stage 6: a log becomes numbers, each labelled and defined once."""
