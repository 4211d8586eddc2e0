"""What is remembered of a visitor is theirs to see and to erase."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.live.fakes import Parrot
from tests.server.kit import Served, events, run, serving
from tests.transmit.live_kit import wait_for

from mien import config


def remembering(memory: str) -> config.Settings:
    plain = config.Settings()
    return replace(plain, think=replace(plain.think, memory=memory))


def talk(served: Served, text: str, **wish: str) -> None:
    async def words() -> None:
        async with events(served, served.session(**wish)) as page:
            await page.send("ask", text=text)
            await page.until("said", role="assistant")

    run(words())


def test_who_agrees_is_remembered_sees_it_and_is_forgotten() -> None:
    thinker = Parrot("Hi.")
    with serving(thinker, settings=remembering("ask")) as served, served.client() as http:
        place = "/api/visitors/anna-7f3c/memory"
        talk(served, "My name is Anna.", visitor="anna-7f3c")
        before = http.get(place).json()
        assert (before["mode"], before["kept"], before["agreed"], before["facts"]) == ("ask", False, False, {})
        assert http.post(place, json={"agreed": True}).json()["agreed"]
        talk(served, "My name is Anna.", visitor="anna-7f3c")
        talk(served, "My name is Nobody.")
        assert wait_for(lambda: http.get(place).json()["facts"] == {"name": "Anna"})
        kept = http.get(place).json()
        assert [s["role"] for s in kept["said"]] == ["user", "assistant"] and kept["first"] <= kept["last"]
        talk(served, "Who am I?", visitor="anna-7f3c")
        assert any("Anna" in fact for fact in thinker.asked[-1].known)
        assert http.delete(place).json() == {"ok": True, "erased": True}
        assert http.delete(place).json() == {"ok": True, "erased": False}
        assert not http.get(place).json()["kept"] and not http.get(place).json()["agreed"]
        talk(served, "My name is Anna.", visitor="anna-7f3c")
        assert not http.get(place).json()["kept"]


def test_who_takes_agreement_back_is_forgotten() -> None:
    with serving(settings=remembering("ask")) as served, served.client() as http:
        place = "/api/visitors/ben/memory"
        http.post(place, json={"agreed": True})
        assert http.post(place, json={"agreed": False}).json()["kept"] is False
        assert http.get(place).json()["agreed"] is False


def test_a_server_without_memory_says_so_and_still_erases(served: Served) -> None:
    with served.client() as http:
        assert http.post("/api/sessions", json={}).json()["memory"] == "off"
        refused = http.post("/api/visitors/anna/memory", json={"agreed": True})
        assert refused.status_code == 409 and "memory" in refused.json()["error"]["hint"]
        assert http.get("/api/visitors/anna/memory").json()["mode"] == "off"
        assert http.delete("/api/visitors/anna/memory").json() == {"ok": True, "erased": False}


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "a%20b", "x" * 65, "%00", "é"])
def test_names_that_cannot_be_one_are_refused(served: Served, name: str) -> None:
    with served.client() as http:
        for method in ("GET", "DELETE"):
            assert http.request(method, f"/api/visitors/{name}/memory").status_code in (404, 422)


def test_only_who_has_a_token_sees_anything() -> None:
    from mien.apps.server.options import Token

    with (
        serving(settings=remembering("on"), tokens=(Token("correct-horse-battery"),)) as served,
        served.client() as http,
    ):
        assert http.get("/api/visitors/anna/memory").status_code == 401
        assert http.delete("/api/visitors/anna/memory").status_code == 401
