"""Words in the picture: fonts, lines, captions, titles."""
