"""One UDP port for all WebRTC peers of a process, so that a firewall has one rule and nobody opens random ports.

aioice opens a random port for each address of each peer. Here all its connections share a socket: a connectivity check
names the peer by its user fragment (RFC 8445, 7.2.2), and everything else comes from an address whose checks have
proved, by the peer's password, whose it is. All that is tied to aioice's insides is in this file, and looked for before
it is used.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import string
import struct
import time
from typing import Any, Final, cast

from mien.errors import MissingError, OutputError
from mien.transmit.rtc_settings import RtcSettings

_COOKIE: Final = b"\x21\x12\xa4\x42"
_USERNAME: Final = 0x0006
_CLASS: Final = 0x0110
_REQUEST: Final = 0x0000
_LETTERS: Final = string.ascii_letters + string.digits
_BUFFER: Final = 1 << 21
_GATHERING: Final = 1.5
"""Seconds that STUN and TURN servers have to answer."""
_HIJACK: Final = 5.0
"""Seconds that an address stays with a living peer before another one may prove that it is his now."""

Address = tuple[str, int]


class UdpPort:
    """The socket and who is behind it. Lives in one event loop; not thread-safe."""

    def __init__(self, settings: RtcSettings) -> None:
        require_aioice()
        self._settings = settings
        self._sockets: list[_Socket] = []
        self.number = 0

    async def open(self) -> None:
        """Take the first free port. Raises OutputError when none is."""
        first, last = self._settings.ports
        for port in range(first, last + 1):
            try:
                await self._bind(port)
                return
            except OSError as error:
                self._unbind()
                reason = error.strerror or str(error)
        wanted = f"UDP port {first}" if first == last else f"None of the UDP ports {first} to {last}"
        raise OutputError(
            f"{wanted} of {self._settings.host} could be opened: {reason}."
            if first != last
            else f"{wanted} of {self._settings.host} could not be opened: {reason}.",
            hint="Choose another port or a range, such as 8011-8020.",
            code="output.port",
        )

    def close(self) -> None:
        """Give the port back. Peers must be closed before."""
        self._unbind()

    def attach(self, connection: Any) -> Member:
        """Have an aioice connection that has not gathered yet use this port. It leaves when it is closed."""
        connection._local_username = "".join(secrets.choice(_LETTERS) for _ in range(8))
        member = Member(connection)
        connection.get_component_candidates = lambda component, addresses, timeout=5: self._gather(member, component)
        return member

    @property
    def members(self) -> int:
        """How many peers there are."""
        return len({id(m) for s in self._sockets for m in s.members.values()})

    async def _bind(self, port: int) -> None:
        host = self._settings.host
        loop = asyncio.get_running_loop()
        for address in ("0.0.0.0", "::") if host == "::" else (host,):  # noqa: S104 - asked for by the setting
            bound = _bound(address, port)
            _, protocol = await loop.create_datagram_endpoint(_Socket, sock=bound)
            self._sockets.append(protocol)
            port = bound.getsockname()[1]
        self.number = port

    def _unbind(self) -> None:
        for shared in self._sockets:
            shared.transport.close()
        self._sockets = []

    async def _gather(self, member: Member, component: int) -> list[Any]:
        candidates: list[Any] = []
        for shared in self._sockets:
            candidates += shared.join(member, component, self._addresses(shared.version), self.number)
        return candidates + await _served(member.connection, component)

    def _addresses(self, version: int) -> list[str]:
        """What browsers are told, of one version of IP."""
        settings = self._settings
        told = settings.announce or _own_addresses(settings)
        return [a for a in told if ipaddress.ip_address(a).version == version]


class Member:
    """A peer behind the port. heard: ``time.monotonic`` of its latest packet. checks: connectivity checks that came."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.heard = 0.0
        self.checks = 0
        self._data, self._request = connection.data_received, connection.request_received
        connection.data_received = self._note_data
        connection.request_received = self._note_check

    def _note_data(self, data: bytes, component: int) -> None:
        """What comes, through our socket or a relay."""
        self.heard = time.monotonic()
        self._data(data, component)

    def _note_check(self, message: Any, addr: Address, protocol: Any) -> None:
        self.heard = time.monotonic()
        self.checks += 1
        self._request(message, addr, protocol)


class _Transport:
    """What aioice takes for a socket of its own."""

    def __init__(self, shared: _Socket, member: Member) -> None:
        self._shared, self._member = shared, member
        self.protocol: Any = None
        self._closed = False

    def sendto(self, data: bytes, address: Address) -> None:
        if not self._closed and not self._shared.transport.is_closing():
            self._shared.transport.sendto(data, address)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._shared.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._shared.leave(self._member)
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


class _Socket(asyncio.DatagramProtocol):
    """One bound socket: sorts what comes to the peers."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self._protocols: dict[int, Any] = {}
        self._routes: dict[Address, Member] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.version = ipaddress.ip_address(transport.get_extra_info("sockname")[0]).version

    def join(self, member: Member, component: int, addresses: list[str], port: int) -> list[Any]:
        """Its candidates, one for each address; all are this socket, so one protocol serves them."""
        from aioice.candidate import Candidate, candidate_foundation, candidate_priority
        from aioice.ice import StunProtocol

        if not addresses:
            return []
        connection = member.connection
        transport = _Transport(self, member)
        protocol: Any = StunProtocol(connection)
        transport.protocol = protocol
        protocol.connection_made(transport)
        candidates = [
            Candidate(
                foundation=candidate_foundation("host", "udp", address),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host", 65535 - rank),
                host=address,
                port=port,
                type="host",
            )
            for rank, address in enumerate(addresses)
        ]
        protocol.local_candidate = candidates[0]
        connection._protocols.append(protocol)
        self.members[connection.local_username] = member
        self._protocols[id(member)] = protocol
        return candidates

    def leave(self, member: Member) -> None:
        """Forget a peer."""
        self.members.pop(member.connection.local_username, None)
        self._protocols.pop(id(member), None)
        self._routes = {address: m for address, m in self._routes.items() if m is not member}

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        address: Address = (addr[0], addr[1])
        is_stun = len(data) >= 20 and data[0] < 4 and data[4:8] == _COOKIE
        member = self._by_stun(data, address) if is_stun else self._routes.get(address)
        if member is not None:
            self._protocols[id(member)].datagram_received(data, address)

    def error_received(self, exc: Exception) -> None:
        """An ICMP message about some peer; its own checks notice."""

    def _by_stun(self, data: bytes, address: Address) -> Member | None:
        kind = int.from_bytes(data[:2], "big")
        if kind & _CLASS == _REQUEST:
            member = self.members.get(_user(data))
            if member is not None and _proved(data, member):
                self._route(address, member)
            return member
        tid = data[8:20]
        for member in self.members.values():
            if tid in self._protocols[id(member)].transactions:
                self._route(address, member)
                return member
        return self._routes.get(address)

    def _route(self, address: Address, member: Member) -> None:
        """From now on what comes from there is his, unless it is a living other one's."""
        other = self._routes.get(address)
        if other is None or other is member or time.monotonic() - other.heard > _HIJACK:
            self._routes[address] = member


def require_aioice() -> None:
    """Raise MissingError when aiortc is absent or aioice's insides are not those this was written for (0.13)."""
    try:
        import aioice.ice
        import aioice.stun
        import aiortc  # noqa: F401
    except ImportError as error:
        raise MissingError(
            "Live video by WebRTC needs the package aiortc.", hint="Install it: pip install 'mien[live]'."
        ) from error
    known = (
        hasattr(aioice.ice.Connection, "get_component_candidates"),
        hasattr(aioice.ice, "relayed_candidate"),
        hasattr(aioice.ice, "server_reflexive_candidate"),
        hasattr(aioice.ice.StunProtocol, "datagram_received"),
        hasattr(aioice.stun.Message, "check_message_integrity"),
    )
    if not all(known):
        raise MissingError(
            "The installed aiortc is of a version that Mien does not know.",
            hint="Install a known one: pip install 'aiortc>=1.16,<2' 'aioice>=0.13,<0.14'.",
        )


async def _served(connection: Any, component: int) -> list[Any]:
    """Candidates that a STUN or TURN server gives."""
    from aioice import ice

    work: list[Any] = []
    for protocol in connection._protocols if connection.stun_server else ():
        if ipaddress.ip_address(protocol.local_candidate.host).version == 4:
            work.append(ice.server_reflexive_candidate(protocol, connection.stun_server))
    if connection.turn_server:
        work.append(
            ice.relayed_candidate(
                component=component,
                hide_related_address=False,
                protocol_factory=lambda: ice.StunProtocol(connection),
                turn_server=connection.turn_server,
                turn_username=connection.turn_username,
                turn_password=connection.turn_password,
                turn_ssl=connection.turn_ssl,
                turn_transport=connection.turn_transport,
            )
        )
    if not work:
        return []
    done, pending = await asyncio.wait([asyncio.ensure_future(w) for w in work], timeout=_GATHERING)
    for task in pending:
        task.cancel()
    found = []
    for task in done:
        if task.exception() is None:
            candidate, protocol = task.result()
            found.append(candidate)
            if protocol is not None:
                connection._protocols.append(protocol)
    return found


def _bound(address: str, port: int) -> socket.socket:
    version = ipaddress.ip_address(address).version
    bound = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if version == 6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        bound.setblocking(False)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound


def _own_addresses(settings: RtcSettings) -> list[str]:
    """Addresses of this machine that are received on and allowed."""
    from aioice.ice import get_host_addresses

    host = ipaddress.ip_address(settings.host)
    if not host.is_unspecified:
        return [settings.host]
    found = get_host_addresses(use_ipv4=True, use_ipv6=settings.host == "::")
    networks = [ipaddress.ip_network(n) for n in settings.interfaces]
    # an address of the one version is in no network of the other
    allowed = [a for a in found if not networks or any(ipaddress.ip_address(a) in n for n in networks)]
    return allowed or ["127.0.0.1"]  # no network at all: the browser on this machine


def _user(data: bytes) -> str:
    """Our half of a check's USERNAME, "" when there is none."""
    at = 20
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, at)
        if kind == _USERNAME:
            return data[at + 4 : at + 4 + length].split(b":")[0].decode("ascii", "replace")
        at += 4 + (length + 3) // 4 * 4
    return ""


def _proved(data: bytes, member: Member) -> bool:
    """Whether a check is signed with the password that we gave this peer."""
    from aioice import stun

    try:
        message = stun.parse_message(data)
        return bool(message.check_message_integrity(member.connection.local_password.encode()))
    except ValueError:
        return False
