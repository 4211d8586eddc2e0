"""The socket on which a server is reached."""

from __future__ import annotations

import os
import socket
from typing import Final

from mien.apps.server.options import ServeOptions
from mien.errors import OutputError

UNREAD: Final = 15.0
"""Seconds after which a connection is ended whose other side takes nothing of what was sent (Linux)."""

_UNSENT: Final = 64 << 10
"""Bytes that the system takes of us before they can be sent: by itself it takes megabytes, many seconds of pictures,
which would have to be played or waited for before anything newer.
"""


def listen(options: ServeOptions, unread: float = UNREAD) -> socket.socket:
    """Bind it. Raises OutputError when the port is not to be had.

    Who connects and never reads would otherwise hold his connection for ever: what waits for him is bounded, but
    closing waits until it is sent, and the system goes on asking whether he reads now.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for option, value in (("TCP_USER_TIMEOUT", int(unread * 1000)), ("TCP_NOTSENT_LOWAT", _UNSENT)):
            if hasattr(socket, option):  # accepted sockets take it over
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        sock.bind((options.host.strip("[]"), options.port))
    except OSError as error:
        sock.close()
        raise OutputError(
            f"Port {options.port} of {options.host} could not be opened: {error.strerror or error}.",
            hint="Choose another one with --port.", code="output.port",
        ) from None  # fmt: skip
    return sock
