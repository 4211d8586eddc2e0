"""Live video in Debian's headless Chromium: it plays, in step with its sound. Latency is the benchmark's matter."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.live_browser import CHROMIUM, run

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")


@pytest.mark.parametrize("mode", ["webrtc-h264", "chunks"])
def test_a_browser_plays_it(mode: str) -> None:
    seen = run(mode, 4.0, 256)
    assert not seen.report["errors"]
    assert len(seen.report["frames"]) > 20 and len(seen.report["beeps"]) >= 2
    assert min(seen.delays) > 0.0 and np.median(seen.delays) < 1000.0
    if mode.startswith("webrtc"):
        assert "connected" in seen.report["states"] and seen.states[0][0] == "connected"
        assert any(m["type"] == "pong" for m in seen.report["messages"])
        heard = np.concatenate([c.samples for c in seen.microphone])
        assert len(heard) > 48_000 and np.abs(heard).max() > 0.1  # Chromium's make-believe microphone beeps
    else:
        assert np.median(np.abs(seen.skews)) < 100.0
