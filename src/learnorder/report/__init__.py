"""Stage 8: numbers and examples become one HTML file."""
