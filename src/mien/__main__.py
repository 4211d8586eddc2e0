"""``python -m mien`` is ``mien``."""

from mien.apps.cli import run

if __name__ == "__main__":
    run()
