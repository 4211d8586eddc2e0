"""What all tests stand on."""

from __future__ import annotations

import signal

# Shells start jobs in the background with Ctrl-C ignored, and children inherit that: tests that press it would wait.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
