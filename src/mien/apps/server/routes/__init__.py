"""One module for each family of routes, each with its ``router``."""
