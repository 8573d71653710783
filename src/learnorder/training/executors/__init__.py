"""How a group of replicates is trained side by side; one file for each way, and the choice."""
