"""A person who is there: sessions that speak, listen, can be cut short and never drift.

It joins the stages as :mod:`mien.engine` does for films, and plays the same performances with the same renderers; here
the clock decides when a picture is due.
"""
