"""Numbers in, one drawing out; nothing here reads a log."""
