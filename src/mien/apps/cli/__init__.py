"""The command line: ``mien``."""
