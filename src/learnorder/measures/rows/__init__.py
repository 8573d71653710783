"""The rows of the catalogue, by what a measure is of."""
