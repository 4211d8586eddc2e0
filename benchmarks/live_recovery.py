"""How soon the page is back: UDP that does not get through, UDP that stops under way, a server that starts anew.

    python -m benchmarks.live_recovery [--times 5] [--mode unreachable blocked lost restart]

`unreachable`: the server names a UDP address at which nobody is. `blocked`: the browser may send no UDP. `lost`: a
relay between the two stops in the middle. `restart`: the server's process is killed and started again.
Timed in the browser from the trouble to the next picture that moves; what the page says meanwhile is printed.
"""

from __future__ import annotations

import argparse
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.live_browser import CHROMIUM
from benchmarks.live_heard import Promise
from benchmarks.live_voice import chromium, served, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODES = ("unreachable", "blocked", "lost", "restart")
NOBODY = "192.0.2.1"
"""An address that is kept for documentation (RFC 5737)."""
RELAYED = "127.0.0.2"
BLOCKED = ("--webrtc-ip-handling-policy=disable_non_proxied_udp", "--force-webrtc-ip-handling-policy")
WATCH = """() => { const w = window.seen = { said: [], frame: 0 }
  const tell = () => { const { phase, path, reason } = mien.link.status
    w.said.push([performance.now(), phase, path, reason, document.querySelector('#banner').hidden ? '' :
      document.querySelector('#banner-title').textContent]) }
  mien.link.addEventListener('status', tell)
  mien.stage.addEventListener('shown', () => { w.frame = performance.now(); w.first ??= w.frame }) }"""


class Relay:
    """Passes UDP on between browsers and a server's port, until it is told to stop."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind((RELAYED, port))
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self.open = True
        threading.Thread(target=self._forward, daemon=True).start()

    def close(self) -> None:
        """Pass nothing on any more."""
        self.open = False
        self._front.close()
        for back in self._backs.values():
            back.close()

    def _forward(self) -> None:
        while self.open:
            try:
                data, sender = self._front.recvfrom(65536)
            except OSError:
                return
            if sender not in self._backs:
                self._backs[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._backs[sender].connect(self._server)
                threading.Thread(target=self._back, args=(self._backs[sender], sender), daemon=True).start()
            self._send(self._backs[sender], data)

    def _back(self, back: socket.socket, browser: tuple[str, int]) -> None:
        while self.open:
            try:
                data = back.recv(65536)
            except OSError:
                return
            if self.open:
                try:
                    self._front.sendto(data, browser)
                except OSError:
                    return

    @staticmethod
    def _send(back: socket.socket, data: bytes) -> None:
        try:
            back.send(data)
        except OSError:
            return


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as spare:
        spare.bind(("127.0.0.1", 0))
        return int(spare.getsockname()[1])


def serving(*arguments: str) -> AbstractContextManager[str]:
    """`mien serve` in a process of its own."""
    return served("serve", *arguments, module="mien")


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A page of its own that watches what it says and shows."""
    context = browser.new_context(permissions=["microphone"], locale="en")
    page = context.new_page()
    page.goto(address)
    wait_for(page, "window.mien?.link != null")
    page.evaluate(WATCH)
    try:
        yield page
    finally:
        context.close()


def falls_back(browser: Browser, address: str) -> tuple[float, str]:
    """From the first attempt by WebRTC to the first picture over the socket."""
    with opened(browser, address) as page:
        wait_for(page, "mien.link.status.path == 'socket' && window.seen.first", 30.0)
        wait_for(page, "mien.link.status.phase == 'live'", 10.0)
        begun = page.evaluate("seen.said.find(s => s[2] == 'webrtc')?.[0] ?? 0")
        return page.evaluate("seen.first") - begun, str(page.text_content("#banner-title"))


def loses(browser: Browser, address: str, stop: Callable[[], None]) -> tuple[float, str]:
    """From the moment that UDP stops to the first picture over the socket."""
    with opened(browser, address) as page:
        wait_for(page, "mien.link.status.path == 'webrtc' && mien.stage.frames > 50")
        stop()
        stopped = page.evaluate("performance.now()")
        wait_for(page, "mien.link.status.path == 'socket' && mien.link.status.phase == 'live'", 60.0)
        back = wait_for(page, "seen.frame > seen.said.at(-1)[0] && seen.frame", 30.0)
        return back - stopped, str(page.text_content("#banner-title"))


def restarts() -> Iterator[tuple[float, str]]:
    """From the new server's first word to the first picture, with a page that was open before."""
    port = free_port()
    with ExitStack() as stack:
        browser = stack.enter_context(chromium())
        with serving("--port", str(port)) as address:
            page = stack.enter_context(opened(browser, address))
            wait_for(page, "mien.stage.frames > 50", 60.0)
        wait_for(page, "mien.link.status.phase == 'retrying'", 20.0)
        said = str(page.text_content("#banner-title"))
        with serving("--port", str(port)):
            ready = page.evaluate("performance.now()")
            back = wait_for(page, f"mien.link.status.phase == 'live' && seen.frame > {ready} && seen.frame", 60.0)
            yield back - ready, said


def runs(mode: str, times: int) -> Iterator[tuple[float, str]]:
    """Each run's milliseconds and what the page said."""
    if mode == "restart":
        for _ in range(times):
            yield from restarts()
    elif mode == "lost":
        for _ in range(times):
            port = free_port(socket.SOCK_DGRAM)
            relay = Relay(port)
            with (
                serving("--udp-port", str(port), "--announce", RELAYED, "--port", "0") as address,
                chromium() as browser,
            ):
                yield loses(browser, address, relay.close)
    else:
        flags, arguments = ((), ("--announce", NOBODY)) if mode == "unreachable" else (BLOCKED, ())
        with serving("--port", "0", *arguments) as address, chromium(*flags) as browser:
            for _ in range(times):
                yield falls_back(browser, address)


def main() -> None:
    """The figures."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--times", type=int, default=5)
    words.add_argument("--mode", nargs="*", choices=MODES, default=list(MODES))
    asked = words.parse_args()
    if CHROMIUM is None:
        raise SystemExit("There is no Chromium on this machine (apt install chromium).")
    bounds = {"unreachable": 3000.0, "blocked": 3000.0, "lost": 4000.0, "restart": 6000.0}
    held = []
    for mode in asked.mode:
        found = list(runs(mode, asked.times))
        took = [ms for ms, _ in found]
        held.append(
            Promise(
                f"{mode}: moving pictures again, p95 of {len(took)}", float(np.percentile(took, 95)), bounds[mode]
            ).tell()
        )
        print(f"    {', '.join(f'{ms:.0f}' for ms in took)} ms; the page says: “{found[-1][1]}”")
    raise SystemExit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
