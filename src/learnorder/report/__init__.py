"""Stage 7: numbers and examples become one HTML file."""
