"""Session descriptions that come from outside: checked, and freed of what would hold a connection up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mien.errors import InputError

LONGEST: Final = 64 * 1024
_HINT: Final = "Send what RTCPeerConnection.localDescription holds after ICE gathering."


def checked(description: object, kind: str) -> str:
    """The SDP of {"type": kind, "sdp": …}. Raises InputError (code input.sdp) with the reason."""
    if not isinstance(description, Mapping):
        raise _refused("it is not an object with 'type' and 'sdp'")
    text = description.get("sdp")
    if description.get("type") != kind:
        raise _refused(f"its type is not '{kind}'")
    if not isinstance(text, str) or not text.strip():
        raise _refused("it has no text in 'sdp'")
    if len(text) > LONGEST:
        raise _refused(f"it is longer than {LONGEST // 1024} kB")
    parsed = _parsed(text)
    kinds = [media.kind for media in parsed.media]
    if not {"audio", "video"} & set(kinds):
        raise _refused("it asks for neither sound nor pictures")
    for name in ("audio", "video", "application"):
        if kinds.count(name) > 1:
            raise _refused(f"it has more than one {name} section")
    for media in parsed.media:
        if media.ice is None or not media.ice.usernameFragment or not media.ice.password:
            raise _refused("it has no ICE user name and password")
        if media.dtls is None or not media.dtls.fingerprints:
            raise _refused("it has no DTLS fingerprint")
    return _lightened(text)


def media_kinds(text: str) -> list[str]:
    """The kinds of its sections, in order."""
    return re.findall(r"^m=(\w+)", text, re.MULTILINE)


def _parsed(text: str) -> Any:
    from aiortc.sdp import SessionDescription

    try:
        return SessionDescription.parse(text)
    except Exception as error:  # the parser was written for well-formed text: any exception means malformed
        raise _refused("it cannot be read") from error


def _lightened(text: str) -> str:
    """Without candidates that only multicast DNS could resolve, and without "that was all".

    The browser's own checks tell where it is. Resolving its hidden names would hold the answer up for a second each,
    and a list that is closed and empty would end the search before the browser has the answer.
    """
    kept = [
        line
        for line in text.splitlines()
        if not line.startswith("a=end-of-candidates")
        and not (line.startswith("a=candidate:") and (".local " in line or " tcp " in line.lower()))
    ]
    return "\r\n".join(kept) + "\r\n"


def _refused(reason: str) -> InputError:
    return InputError(f"The session description cannot be used: {reason}.", hint=_HINT, code="input.sdp")
