"""Who may come in: loopback and tokens, pages of other places, requests that are too large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import websockets
from tests.server.kit import Served, events, run, serving

from mien.apps.server.options import ServeOptions, Token, parse_token, parse_tokens
from mien.errors import UsageError

SECRET = "a-secret-of-some-length"
OTHER = "another-secret-of-length"


@pytest.fixture(scope="module")
def locked() -> Iterator[Served]:
    with serving(tokens=(Token(SECRET, 1), Token(OTHER)), origins=("https://friend.example",)) as server:
        yield server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_nobody_binds_elsewhere_without_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="Without a token"):
        ServeOptions(host=host)
    assert ServeOptions(host=host, tokens=(Token(SECRET),)).host == host


def test_tokens_are_read_and_checked() -> None:
    assert parse_token(f"{SECRET}=3") == Token(SECRET, 3)
    assert parse_tokens([], f"{SECRET}, {OTHER}=2") == (Token(SECRET), Token(OTHER, 2))
    assert parse_tokens([OTHER], SECRET) == (Token(OTHER),)
    assert SECRET not in repr(Token(SECRET))
    for wrong in ("short", "with space in it", f"{SECRET}=many"):
        with pytest.raises(UsageError):
            parse_token(wrong)


@pytest.mark.parametrize("given", ["-", "wrong", SECRET[:-1], f"{SECRET}x", "ü" * 20])
def test_a_wrong_token_is_refused_everywhere_but_at_the_door(locked: Served, given: str) -> None:
    headers = {"Authorization": f"Bearer {given}".encode()}
    with locked.client(headers=headers) as client:
        for path in ("/api/avatars", "/metrics", "/v1/models", "/api/sessions/x", "/nothing"):
            answer = client.get(path)
            assert answer.status_code == 401 and answer.json()["error"]["code"] == "denied.token"
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/health", "/openapi.json", "/"):
            assert client.get(path).status_code != 401

    async def knock() -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with events(locked, "x"):
                pass
        assert refused.value.response.status_code == 401

    run(knock())


def test_the_right_token_opens_as_many_sessions_as_it_may(locked: Served) -> None:
    with locked.client(headers={"Authorization": f"Bearer {SECRET}"}) as client:
        first = client.post("/api/sessions", json={})
        assert first.status_code == 201
        second = client.post("/api/sessions", json={})
        assert second.status_code == 429 and second.json()["error"]["code"] == "busy.token"
        assert second.headers["retry-after"]
        name = first.json()["id"]
        with locked.client(params={"token": OTHER}) as stranger:
            assert stranger.get(f"/api/sessions/{name}").status_code == 404
            assert stranger.delete(f"/api/sessions/{name}").status_code == 404
            assert stranger.get("/api/avatars").status_code == 200

        async def listen() -> None:
            async with websockets.connect(f"{locked.ws}/api/sessions/{name}/events?token={SECRET}") as socket:
                assert "avatar" in str(await socket.recv())

        run(listen())
        assert client.delete(f"/api/sessions/{name}").status_code == 200
        assert client.post("/api/sessions", json={}).status_code == 201


def test_pages_of_other_places_may_not_use_it(served: Served) -> None:
    evil = {"Origin": "https://evil.example"}
    with served.client() as client:
        refused = client.post("/api/sessions", json={}, headers=evil)
        assert refused.status_code == 403 and "access-control-allow-origin" not in refused.headers
        assert "access-control-allow-origin" not in client.get("/health", headers=evil).headers
        assert client.get("/health", headers={"Host": "rebound.example:8010"}).status_code == 403
        assert client.post("/api/sessions", json={}, headers={"Origin": served.url}).status_code == 201
    name = served.session()

    async def hijack() -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with events(served, name, origin="https://evil.example"):
                pass
        assert refused.value.response.status_code == 403
        async with events(served, name, origin=served.url) as own:
            await own.until("avatar")

    run(hijack())


def test_pages_that_were_allowed_may(locked: Served) -> None:
    friend = {"Origin": "https://friend.example"}
    with locked.client() as client:
        asked = {**friend, "Access-Control-Request-Method": "POST"}
        allowed = client.request("OPTIONS", "/api/sessions", headers=asked)
        assert allowed.headers["access-control-allow-origin"] == friend["Origin"]
        answer = client.get("/api/avatars", headers={**friend, "Authorization": f"Bearer {OTHER}"})
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == friend["Origin"]


def test_requests_that_are_too_large_are_refused_unread(served: Served) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    with served.client() as client:
        upload = client.post("/humanaudio", data={"sessionid": "1"}, files={"file": ("a.wav", bytes(50 << 20))})
        assert upload.status_code == 413 and upload.json()["error"]["code"] == "input.too_large"
        assert client.post("/api/sessions", content=b" " * (300 << 10)).status_code == 413
        assert client.post("/api/sessions", content=endless()).status_code == 413
        assert client.get("/health").status_code == 200
