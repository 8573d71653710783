"""Stage 3: predictions on disk, committed epoch by epoch, read back as xarray."""
