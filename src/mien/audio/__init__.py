"""Stage 1: sound in. Decoding, resampling, loudness."""
