"""Stage 6: pictures are composed with their surroundings."""
