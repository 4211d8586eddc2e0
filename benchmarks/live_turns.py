"""Turns on the page, as the browser measures them: typed question to sound and picture, stop key to silence.

    python -m benchmarks.live_turns [--turns 50] [--way webrtc]

Starts `mien serve` with the embedded back ends and asks in headless Chromium; every answer is stopped after 0.4 s.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.live_browser import CHROMIUM, FLAGS

if TYPE_CHECKING:
    from playwright.sync_api import Page

_QUESTION = "Who are you, and what can you do?"


@contextmanager
def _server() -> Iterator[str]:
    command = [sys.executable, "-m", "mien", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                yield found[0]
                break
    finally:
        process.terminate()
        process.wait(10.0)


def _until(page: Page, expression: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise TimeoutError(expression)
        page.wait_for_timeout(20)


def _turn(page: Page, number: int) -> dict[str, Any]:
    """Ask, wait for sound and picture, stop. Returns the turn's moments in ms, and "silence" after the key."""
    page.fill("#question", _QUESTION)
    page.press("#question", "Enter")
    _until(
        page, f"mien.turns.all.at(-1)?.turn == {number} && mien.turns.all.at(-1).sound && mien.turns.all.at(-1).frame"
    )
    page.wait_for_timeout(400)
    page.keyboard.press("Escape")
    _until(page, f"mien.silences.length == {number}")
    page.wait_for_timeout(500)
    turn: dict[str, Any] = page.evaluate("({...mien.turns.all.at(-1), silence: mien.silences.at(-1)})")
    return turn


def main() -> None:
    """The figures."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--turns", type=int, default=50)
    words.add_argument("--way", choices=["webrtc", "socket"], default="webrtc")
    asked = words.parse_args()
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium on this machine (apt install chromium).")
    from playwright.sync_api import sync_playwright

    with _server() as address, sync_playwright() as playwright:
        flags = [f for f in FLAGS if not f.startswith("--headless")]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.goto(f"{address}?transport={asked.way}")
        _until(page, "window.mien?.link.status.phase == 'live' && mien.stage.frames > 50")
        turns = [_turn(page, n + 1) for n in range(asked.turns)]
        browser.close()
    rows = {
        "text → first sound": [t["sound"] - t["asked"] for t in turns],
        "text → first picture": [t["frame"] - t["asked"] for t in turns],
        "stop key → silence": [t["silence"] for t in turns],
    }
    print(f"{len(turns)} turns over {asked.way}, ms     p50    p95")
    for name, values in rows.items():
        print(f"{name:24s} {np.percentile(values, 50):8.0f} {np.percentile(values, 95):6.0f}")


if __name__ == "__main__":
    main()
