"""Health, readiness, counts and the description of the API."""

from __future__ import annotations

import re
from typing import Any, get_args

from tests.server.kit import Served, serving
from tests.transmit.live_kit import wait_for

from mien.apps.server.metrics import Gauge, Metrics
from mien.apps.server.schemas import Emotion
from mien.dialogue.think.base import Persona, Thinker
from mien.errors import MissingError
from mien.live.session import Troupe
from mien.live.troupe import Wish
from mien.types import EMOTION_NAMES


def test_it_is_well_and_ready(served: Served) -> None:
    with served.client() as client:
        assert client.get("/health").json()["status"] == "ok"
        assert wait_for(lambda: client.get("/ready").status_code == 200)
        assert client.get("/ready").json() == {"ready": True, "avatar": True, "voice": True, "reason": ""}


def test_it_says_why_it_is_not_ready() -> None:
    def nobody(wish: Wish, persona: Persona, thinker: Thinker) -> Troupe:
        raise MissingError("There is no picture.", hint="Give one.")

    with serving(cast=nobody) as served, served.client() as client:
        assert wait_for(lambda: "no picture" in client.get("/ready").json()["reason"])
        assert client.get("/ready").status_code == 503 and client.get("/health").status_code == 200
        assert client.post("/api/sessions", json={}).status_code == 501


def test_counts_are_prometheus_text_and_never_fall(served: Served) -> None:
    def counters() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        kinds = {line.split()[2]: line.split()[3] for line in lines if line.startswith("# TYPE")}
        values = {}
        for line in lines:
            if not line.startswith("#"):
                found = re.fullmatch(r'(\w+)(\{(?:\w+="[^"]*",?)*\})? (\S+)', line)
                assert found, line
                base = re.sub(r"_(bucket|sum|count)$", "", found[1])
                assert base in kinds or found[1] in kinds
                if kinds.get(found[1]) == "counter":
                    values[found[1] + (found[2] or "")] = float(found[3])
        return values

    with served.client() as client:
        name = served.session()
        assert wait_for(lambda: counters().get("mien_frames_total", 0) > 3)
        before = counters()
        client.delete(f"/api/sessions/{name}")
        after = counters()
        assert all(after[key] >= value for key, value in before.items())


def test_histograms_are_cumulative_and_labels_escaped() -> None:
    metrics = Metrics()
    for value in (0.01, 0.25, 99.0):
        metrics.observe("wait", value, (0.1, 1.0), kind='a"b\n')
    metrics.count("calls", 2)
    text = metrics.text([Gauge("now", {(): 1.5})])
    label = 'kind="a\\"b\\n"'
    for line in (f'wait_bucket{{{label},le="0.1"}} 1', f'wait_bucket{{{label},le="1"}} 2',
                 f'wait_bucket{{{label},le="+Inf"}} 3', f"wait_count{{{label}}} 3", "calls 2", "now 1.5"):  # fmt: skip
        assert line in text.splitlines()


def test_every_error_has_the_same_form(served: Served) -> None:
    with served.client() as client:
        for answer in (client.get("/nothing"), client.put("/health"), client.post("/api/sessions", content=b"{"),
                       client.get("/api/sessions/none"), client.post("/api/sessions", json={"x": 1})):  # fmt: skip
            assert set(answer.json()["error"]) == {"code", "message", "hint", "retryable"}
        refused = client.request("OPTIONS", "/api/sessions/abc")
        assert refused.status_code == 405 and refused.headers["allow"] == "DELETE, GET"


def test_the_description_covers_the_routes_and_gives_bounds(served: Served) -> None:
    with served.client() as client:
        api: dict[str, Any] = client.get("/openapi.json").json()
    for path in ("/api/sessions", "/api/sessions/{session}/offer", "/offer", "/human", "/v1/audio/speech", "/metrics"):
        assert path in api["paths"]
    text = api["components"]["schemas"]["SpeechWish"]["properties"]["input"]
    assert text["maxLength"] == 4096
    for path, methods in api["paths"].items():
        for method, about in methods.items():
            assert about["description"], (method, path)
    assert get_args(Emotion) == EMOTION_NAMES
