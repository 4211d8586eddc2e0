"""Mien: one picture of a face plus words becomes a person who talks."""

__version__ = "0.1.0"
