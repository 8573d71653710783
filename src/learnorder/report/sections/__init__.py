"""One module for each question of the page, in its order: what was measured in, a section out."""
