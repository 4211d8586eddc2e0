"""Hearing: sound in, words out, and who has the turn."""
