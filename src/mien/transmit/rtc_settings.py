"""Where live connections meet: addresses, ports, and the servers that help through firewalls."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from mien.errors import UsageError

_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_SERVER: Final = re.compile(r"(stun|turn|turns):[\w.\-\[\]:]+?(:\d{1,5})?(\?transport=(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server. url: as browsers take it, "turn:relay.example.org:3478?transport=udp"."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not _SERVER.fullmatch(self.url):
            raise UsageError(
                f"'{self.url[:80]}' is not the address of a STUN or TURN server.",
                hint="Write it like stun:host:3478, turn:host:3478?transport=udp or turns:host:5349.",
            )
        if not self.url.startswith("stun:") and not (self.username and self.password):
            raise UsageError(f"The TURN server {self.url} needs a user name and a password.", hint="Give both.")


@dataclass(frozen=True, slots=True)
class RtcSettings:
    """What all peers of a process share.

    host: where UDP is received: an address of this machine, "0.0.0.0" for all of IPv4, "::" for IPv6 as well.
    ports: first and last UDP port; the first free one serves all peers. (0, 0): any that is free.
    announce: addresses that browsers are told instead of the machine's own, such as the public one of a NAT.
    interfaces: only addresses inside these networks are told ("192.168.1.0/24"); empty: all.
    servers: the first STUN and the first TURN server are used.
    patience: seconds until a connection that does not come about is given up. silence: seconds without a packet after
    which a connection counts as lost. forgotten: seconds after which a lost one is ended.
    """

    host: str = "127.0.0.1"
    ports: tuple[int, int] = (0, 0)
    announce: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    servers: tuple[IceServer, ...] = ()
    patience: float = 2.75
    silence: float = 2.5
    forgotten: float = 10.0

    def __post_init__(self) -> None:
        for address in (self.host, *self.announce):
            _check(ipaddress.ip_address, address, "an IP address", "192.0.2.7")
        for network in self.interfaces:
            _check(ipaddress.ip_network, network, "a network", "192.168.1.0/24")
        first, last = self.ports
        if not (0 <= first <= last <= 65535) or (first == 0 and last):
            raise UsageError(f"UDP ports from {first} to {last} do not exist.", hint="Use one like 8011 or 8011-8020.")


def parse_ports(text: str) -> tuple[int, int]:
    """ "8011" or "8011-8020" to (first, last). Raises UsageError."""
    found = _PORTS.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{text[:40]}' is no UDP port.", hint="Write one like 8011, or a range like 8011-8020.")
    first = int(found[1])
    return RtcSettings(ports=(first, int(found[2] or first))).ports


def _check(parse: object, text: str, what: str, example: str) -> None:
    try:
        assert callable(parse)
        parse(text)
    except ValueError as error:
        raise UsageError(f"'{text[:60]}' is not {what}.", hint=f"Write it like {example}.") from error
