"""Stage 2: a spec, a dataset and a seed become a stream of predictions."""
