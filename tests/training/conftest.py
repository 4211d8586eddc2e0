"""These need torch, which the core does not: ``make test-train`` installs it and asks for them."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("MIEN_TEST_TRAINING") else ["test_*.py"]

if not collect_ignore_glob:
    import torch

    torch.set_num_threads(1)  # networks this small only wait for each other
