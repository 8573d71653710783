"""Stage 4: anybody's training loop records its predictions into a log."""
