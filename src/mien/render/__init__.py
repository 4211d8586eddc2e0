"""Stage 5: an avatar and a face clip become pictures."""
