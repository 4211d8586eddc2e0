"""Avatars on disk: the format, the library, the cache, checked import."""
