"""The face driver for any voice: it listens."""
