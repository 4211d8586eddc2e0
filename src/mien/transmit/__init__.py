"""Stage 7: frames and sound go out: film files, captions, motion files."""
