"""One sentence asked of Microsoft's service, in an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from mien.channel import Abandoned, Channel
from mien.dialogue.speak.base import SpeakRequest
from mien.dialogue.speak.sound import no_sound
from mien.errors import BackendError, MienError, NetworkError

WHAT: Final = "Microsoft's speech service"
UNREACHABLE: Final = "network.unreachable"

_HOST: Final = "speech.platform.bing.com"
_PITCH_HERTZ: Final = 50  # what pitch 1 adds
_WAITING: Final = 4_096  # messages that may wait to be read: a sentence never waits for a slow reader
_GOODBYE: Final = 0.5  # seconds that a service has to answer a good-bye


@dataclass(frozen=True, slots=True)
class Said:
    """What came: bytes of MP3, or a word with its times in 100 ns."""

    sound: bytes = b""
    word: str = ""
    offset: int = 0
    duration: int = 0


class Link:
    """A connection for one sentence. :meth:`run` it in a thread, iterate over what comes; :meth:`end` closes it."""

    def __init__(self, sentence: str, voice: str, request: SpeakRequest, timeout: float) -> None:
        self._channel: Channel[Said] = Channel(_WAITING)
        self._ended = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._asked = (sentence, voice, request, timeout)

    def __iter__(self) -> Iterator[Said]:
        return iter(self._channel)

    @property
    def ended(self) -> bool:
        """Whether somebody ended it before its end."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait before the next try; True when it was ended meanwhile."""
        return self._ended.wait(seconds)

    def end(self) -> None:
        """Close the connection, from any thread; returns at once. Idempotent."""
        self._channel.abandon()
        self._ended.set()
        with suppress(RuntimeError):  # the loop has closed by itself
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._loop.call_later(_GOODBYE, self._cancel)

    def run(self) -> None:
        """Ask, and hand on what comes, until the end."""
        try:
            self._task = self._loop.create_task(self._talk())
            if self.ended:
                self._cancel()
            self._loop.run_until_complete(self._task)
            self._channel.finish()
        except (Abandoned, asyncio.CancelledError):
            pass
        except BaseException as error:  # whatever it is, the reader must hear of it
            self._channel.fail(_told(error))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _talk(self) -> None:
        from edge_tts import Communicate

        sentence, voice, request, timeout = self._asked
        call: Any = Communicate(
            sentence, voice, rate=f"{round((request.rate - 1) * 100):+d}%",
            pitch=f"{round(request.pitch * _PITCH_HERTZ):+d}Hz", boundary="WordBoundary", proxy=_proxy(),
            connect_timeout=10, receive_timeout=max(1, round(timeout)),
        )  # fmt: skip
        messages = call.stream()
        while True:
            try:  # the library's own timeout does not reach into a WebSocket
                message = await asyncio.wait_for(anext(messages), timeout)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise TimeoutError(f"nothing came for {timeout:g} seconds") from None
            if message["type"] == "audio":
                self._channel.put(Said(sound=message["data"]))
            elif message["type"] == "WordBoundary":
                self._channel.put(
                    Said(word=message["text"], offset=int(message["offset"]), duration=int(message["duration"]))
                )


def _proxy() -> str | None:
    """The environment's proxy for https, which the library does not apply to WebSockets by itself."""
    from urllib.request import getproxies, proxy_bypass

    return None if proxy_bypass(_HOST) else getproxies().get("https")


def _told(error: BaseException) -> MienError:
    """What a person understands of what went wrong."""
    import aiohttp
    from edge_tts import exceptions

    if isinstance(error, exceptions.NoAudioReceived):
        return no_sound(WHAT)
    if isinstance(error, aiohttp.WSServerHandshakeError):
        said = f"{WHAT} refuses the connection (status {error.status})."
        return NetworkError(said, hint="Check this machine's clock, or try again later.", code="network.server")
    if isinstance(error, aiohttp.ClientConnectorError):
        why = error.os_error.strerror or str(error.os_error)
        said = f"{WHAT} cannot be reached: {why}."
        return NetworkError(said, hint="Check the network, or add --fallback.", code=UNREACHABLE)
    if isinstance(error, aiohttp.ClientError | OSError | TimeoutError):
        said = f"The connection to {WHAT} broke: {str(error) or 'it timed out'}."
        return NetworkError(said, hint="Check the network, or add --fallback.", code="network.cut")
    if isinstance(error, exceptions.EdgeTTSException):
        return NetworkError(f"{WHAT} answered something unexpected: {error}.", hint="Try again.")
    return BackendError(f"{WHAT} failed ({type(error).__name__}: {error}).", code="backend.edge")
