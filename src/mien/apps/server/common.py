"""What routes ask for: the desk, who asks, the session."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from mien.apps.server.desk import Desk
from mien.apps.server.room import Room


def desk_of(connection: HTTPConnection) -> Desk:
    """The app's desk."""
    desk: Desk = connection.app.state.desk
    return desk


def owner_of(connection: HTTPConnection) -> str:
    """Whose token it is, as the guard found."""
    return str(connection.scope.get("state", {}).get("owner", ""))


def most_of(connection: HTTPConnection) -> int:
    """How many sessions the token may have at once, 0 = any."""
    return int(connection.scope.get("state", {}).get("most", 0))


def address_of(connection: HTTPConnection) -> str:
    """Where the request comes from, for limits."""
    return f"{owner_of(connection)} {connection.client.host if connection.client else ''}"


# Dependencies are coroutines: FastAPI would run plain functions in threads.


async def _desk(connection: HTTPConnection) -> Desk:
    return desk_of(connection)


async def _owner(connection: HTTPConnection) -> str:
    return owner_of(connection)


async def _most(connection: HTTPConnection) -> int:
    return most_of(connection)


async def _address(connection: HTTPConnection) -> str:
    return address_of(connection)


TheDesk = Annotated[Desk, Depends(_desk)]
Owner = Annotated[str, Depends(_owner)]
Most = Annotated[int, Depends(_most)]
Address = Annotated[str, Depends(_address)]
SessionName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$", examples=["Q1w2E3r4T5y6U7i8O9p0Asdf"])]


async def room_of(session: SessionName, desk: TheDesk, owner: Owner) -> Room:
    """The session of a path. Raises InputError ("session.unknown")."""
    return desk.room(session, owner)


TheRoom = Annotated[Room, Depends(room_of)]
