"""Stage 3: speech becomes motion of a face."""
