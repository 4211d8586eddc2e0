"""Stage 4: a picture becomes an avatar."""
