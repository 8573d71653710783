"""Stage 8: logs from and to the files of other tools; one module for each family of formats."""
