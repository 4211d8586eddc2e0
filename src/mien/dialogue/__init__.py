"""Stage 2: words and understanding."""
