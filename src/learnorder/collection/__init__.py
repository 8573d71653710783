"""Stage 5, the only glue: datasets, training and log become one collection of replicates."""
