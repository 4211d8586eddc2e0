"""The picture that everything here is measured on: the demo portrait, or one named by MIEN_BENCH_PORTRAIT."""

from __future__ import annotations

import os
from pathlib import Path


def portrait() -> Path:
    """A picture file; the demo portrait is fetched where it is not here yet."""
    named = os.environ.get("MIEN_BENCH_PORTRAIT")
    if named:
        return Path(named)
    from mien import models

    return Path(models.path("astronaut"))
