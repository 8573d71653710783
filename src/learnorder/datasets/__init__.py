"""Stage 1: a name or a path becomes a Dataset."""
