"""Learners that are no networks: what they do in rounds is recorded as epochs are."""
