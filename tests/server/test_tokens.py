"""Who may come in: tokens, paths and names that try to get round them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import websockets
from tests.live.fakes import Parrot
from tests.server.faults_kit import filled, operations, raw, sentence, told
from tests.server.kit import Served, portrait, run, serving

from mien.apps.server.options import Token

SECRET = "a-secret-of-some-length"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pictures = (portrait(tmp_path_factory.mktemp("portraits")),)
    with serving(Parrot("Hello."), tokens=(Token(SECRET),), portraits=pictures) as server:
        yield server


OPEN = {"/health", "/ready"}
SOCKETS = ("/api/sessions/x/events", "/api/sessions/x/media", "/api/sessions/x/motion", "/v1/realtime")
TRICKS = ("", "?token=", "?token=wrong", f"?token={SECRET}x", f"?Token={SECRET}", "?token=%00", f"?token={SECRET[:-1]}",
          f"?token=wrong&token={SECRET}")  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_a_wrong_token_opens_nothing(locked: Served, trick: str) -> None:
    with locked.client() as client:
        for method, path, _ in operations(locked):
            answer = client.request(method, f"{filled(path)}{trick}", content=b"{}" if method == "post" else None)
            if path in OPEN:
                assert answer.status_code in (200, 503)
            else:
                assert answer.status_code == 401, (method, path, answer.text)
                assert told(answer) == "denied.token"

    async def knock() -> None:
        for path in SOCKETS:
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with websockets.connect(f"{locked.ws}{path}{trick}"):
                    pass
            assert refused.value.response.status_code == 401
            sentence(json.loads(refused.value.response.body or b"{}")["error"]["message"])

    run(knock())


@pytest.mark.parametrize(
    "path",
    ["//api/avatars", "/page/../api/avatars", "/page/%2e%2e/api/avatars", "/health/../api/avatars", "/API/avatars",
     "/api/avatars/", "/page//api/avatars", "/./api/avatars", "/api%2favatars", "/docs/..%2fapi/avatars",
     "/page/../../metrics", "/;/api/avatars", "/api/avatars;x=/health", "/%61pi/avatars", "/page/\\..\\api/avatars"],
)  # fmt: skip
def test_no_path_gets_round_the_token(locked: Served, path: str) -> None:
    status, answer = raw(locked, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert status in (400, 401, 404), answer[:200]
    assert b"anna" not in answer and b"mien_sessions" not in answer


@pytest.mark.parametrize(
    "name",
    ["../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
     "....//....//etc/passwd", "..%5c..%5cetc%5cpasswd", 
     "/etc/passwd", "%2fetc%2fpasswd", "anna.png", "anna%00.png", "a%0d%0ab", "%ff%fe",
     "x" * 3000, "CON", "~root", "file:%2f%2f%2fetc%2fpasswd"],
)  # fmt: skip
def test_no_name_leads_out_of_its_folder(served: Served, name: str) -> None:
    for place in ("/api/avatars/{}/picture", "/api/recordings/{}", "/page/{}", "/api/sessions/{}", "/v1/models/{}"):
        head = f"GET {place.format(name)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        status, answer = raw(served, head.encode())
        assert status in (400, 404, 422), (place, answer[:200])
        assert b"root:" not in answer
    with served.client() as client:
        for wish in ({"avatar": f"{name}?"}, {"persona": name}, {"background": f"/{name}"}):
            refused = client.post("/api/sessions", json=wish)
            assert refused.status_code in (400, 404, 422), (wish, refused.text)
            told(refused)
