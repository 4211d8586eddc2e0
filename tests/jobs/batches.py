"""Batches of films so short and small that one takes less than a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def rows(portrait: str, texts: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    """One row a text."""
    return [
        {"id": f"j{number}", "portrait": portrait, "text": text, "output": f"out/j{number}.mp4", "size": "64x64"} | more
        for number, text in enumerate(texts)
    ]


def written(folder: Path, jobs: Sequence[dict[str, Any]], name: str = "jobs.jsonl") -> Path:
    """A batch file of rows."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
    return file


def start(file: Path, *more: str) -> subprocess.Popen[str]:
    """``mien batch`` as a process, printing events."""
    return subprocess.Popen(
        [sys.executable, "-m", "mien", "batch", str(file), "--json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def ended(process: subprocess.Popen[str], timeout: float = 120.0) -> tuple[int, list[dict[str, Any]], str]:
    """Its exit status, events, and what it said."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err
