"""Talking by voice, measured in the browser: end of speech to sound, speech over the avatar to silence, lips and sound.

    python -m benchmarks.live_voice [--turns 50] [--way webrtc]

Starts the server with the embedded back ends and opens the page in headless Chromium, whose microphone plays a file of
spoken questions: when each begins and ends in the file is known. What the page gets from the microphone and what it
sends to the loudspeaker is kept for every millisecond, both with the browser's time stamps, and so is the number that
every picture carries. The questions are found in the microphone's sound, and the sent sound, whose ticks are known, in
the loudspeaker's; so nothing rests on what the page or the server say of themselves. A question without an answer, and
an avatar that talks on, count as failures. The exit status is 1 where a promise is not held.

End of speech: the last 5 ms louder than 30 dB below the loud parts. Its time is that of the microphone's block in the
browser, less the latency that the track states; sound counts when the browser says that its device plays it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.live_browser import CHROMIUM, FLAGS
from benchmarks.live_heard import Recorded, judge
from benchmarks.live_spoken import Utterance, envelope, spoken

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LEAD = 3.0
GAPS = (1.9, 2.7)
"""Seconds of silence behind a question: the answer has begun, and goes on when the next question cuts it short."""
RECORDER = Path(__file__).with_name("live_voice.js")


@contextmanager
def served(*arguments: str, module: str = "benchmarks.live_marked") -> Iterator[str]:
    """A server of its own process. Yields its address."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            if found:
                yield found[0]
                break
        else:
            raise RuntimeError("The server did not start.")
    finally:
        process.terminate()
        process.wait(15.0)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    kept = [f for f in FLAGS if not f.startswith("--headless")]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*kept, *flags])
        try:
            yield browser
        finally:
            browser.close()


def wait_for(page: Page, expression: str, seconds: float = 30.0) -> Any:
    """Wait until something is true on the page."""
    for _ in range(round(seconds / 0.02)):
        if found := page.evaluate(expression):
            return found
        page.wait_for_timeout(20)
    raise TimeoutError(expression)


def record(address: str, browser: Browser, said: list[Utterance], way: str, shot: Path | None = None) -> Recorded:
    """Let the browser talk until the file has ended."""
    context = browser.new_context(permissions=["microphone"], bypass_csp=True, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(path=RECORDER)
    page.goto(f"{address}?transport={way}")
    wait_for(page, "window.mien?.link.status.phase == 'live' && mien.stage.frames > 25", 60.0)
    page.evaluate("bench.listen()")
    sent = f"{address}benchmark/{page.evaluate('mien.link.session.id')}"
    urllib.request.urlopen(sent).close()
    page.click("#mic")
    seen = Recorded()
    for _ in range(round(said[-1].end / 1000.0) + 4):
        page.wait_for_timeout(1000)
        seen.add(page.evaluate("bench.take()"))
    if shot:
        page.screenshot(path=shot)
    with urllib.request.urlopen(sent) as answer:
        seen.sent = np.frombuffer(answer.read(), np.float32)
    seen.counts = page.evaluate("fetch(`api/sessions/${mien.link.session.id}`).then(r => r.json())")["counts"]
    context.close()
    return seen


def main() -> None:
    """The figures."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--turns", type=int, default=50)
    words.add_argument("--way", choices=["webrtc", "socket"], default="webrtc")
    words.add_argument("--shot", type=Path, help="a picture of the page behind the last turn")
    words.add_argument("--turn-table", action="store_true", help="every turn")
    asked = words.parse_args()
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium on this machine (apt install chromium).")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "visitor.wav"
        said = spoken(asked.turns, LEAD, GAPS, file)
        with served() as address, chromium(f"--use-file-for-fake-audio-capture={file}%noloop") as browser:
            seen = record(address, browser, said, asked.way, asked.shot)
        judged = judge(seen, said, envelope(file))
    if asked.turn_table:
        for row in judged.table():
            print(row)
    print(f"{asked.turns} spoken turns over {asked.way}")
    held = [promise.tell() for promise in judged.promises()]
    for line in judged.about():
        print(line)
    raise SystemExit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
