"""Where replicates are trained: this machine, a Ray cluster, SLURM. The bytes are the same."""
