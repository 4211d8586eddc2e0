"""The studio over HTTP: projects, looks at them, files in pieces, the queue of films; and who may not do what."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

pytest.importorskip("fastapi", reason="the extra 'live' is not installed")

from tests.server.kit import Served, run, serving
from tests.studio.folder import video

from mien.apps.server.options import Token
from mien.apps.server.studio.bench import Bench
from mien.apps.server.studio.projects import FRESH, OWN
from mien.errors import BackendError, MienError

TEXT = """\
mien: 1
title: A leaf # of tea, as a comment
canvas: {size: 128x96, fps: 10}
avatar: none
captions: {style: plain, files: [srt]}
background: {colour: teal}
scenes:
  - {id: one, script: Tea.}
  - {id: two, for: 0.5s, background: white}
"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        with serving(studio=folder) as served:
            yield served


@pytest.fixture
def client(studio: Served) -> Iterator[httpx.Client]:
    with studio.client(timeout=90) as made:
        yield made


def root(studio: Served) -> Path:
    assert studio.desk.studio is not None
    return studio.desk.studio.home("").projects.root


def project(studio: Served, name: str, text: str = TEXT) -> Path:
    """A project as somebody else might put it there."""
    folder = root(studio) / name
    folder.mkdir()
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def picture(side: int = 40) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.effect_noise((side, side), 80).save(out, "PNG")
    return out.getvalue()


def send(client: httpx.Client, name: str, file: str, data: bytes) -> httpx.Response:
    begun = client.post(f"/api/studio/projects/{name}/uploads", json={"file": file, "size": len(data)})
    assert begun.status_code == 201, begun.text
    return client.patch(f"/api/studio/uploads/{begun.json()['id']}", content=data, headers={"Upload-Offset": "0"})


def until(client: httpx.Client, film: str, *states: str) -> Any:
    end = time.monotonic() + 60
    while (found := client.get(f"/api/studio/films/{film}").json())["state"] not in states:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_a_server_without_a_studio_says_so(served: Served) -> None:
    with served.client() as client:
        assert client.get("/api/studio").json() == {"offered": False, "limits": None, "choices": None}
        assert code(client.get("/api/studio/projects")) == (404, "missing.studio")
        assert code(client.post("/api/studio/projects", json={"name": "a"})) == (404, "missing.studio")


def test_nobody_comes_in_without_a_token(tmp_path: Path) -> None:
    with serving(studio=tmp_path / "s", tokens=(Token("t" * 20),)) as served, served.client() as client:
        for path in ("/api/studio", "/api/studio/projects", "/api/studio/films"):
            assert code(client.get(path)) == (401, "denied.token")
        client.headers["Authorization"] = f"Bearer {'t' * 20}"
        assert client.get("/api/studio").json()["offered"]


def test_a_project_is_made_read_saved_and_deleted(studio: Served, client: httpx.Client) -> None:
    offer = client.get("/api/studio").json()
    assert offer["limits"]["used"] < offer["limits"]["whole"] and "karaoke" in offer["choices"]["caption_styles"]
    made = client.post("/api/studio/projects", json={"name": "泡茶 1", "template": "dialogue", "language": "zh"})
    assert made.status_code == 201, made.text
    there = made.json()
    assert there["values"]["cast"] and there["problems"] == [] and made.headers["etag"] == f'"{there["version"]}"'
    place = "/api/studio/projects/泡茶 1"
    assert code(client.post("/api/studio/projects", json={"name": "泡茶 1"})) == (409, "input.conflict")
    mine = client.put(place, json={"text": "title: [\n"}, headers={"If-Match": made.headers["etag"]})
    assert mine.status_code == 200 and mine.json()["values"] is None and mine.json()["problems"][0]["line"] == 2
    stale = client.put(place, json={"text": TEXT}, headers={"If-Match": there["version"]})
    assert code(stale) == (412, "project.changed")
    assert client.put(place, json={"text": TEXT}).status_code == 422
    listed = {one["name"]: one for one in client.get("/api/studio/projects").json()["projects"]}
    assert listed["泡茶 1"]["problem"] and client.get(place).json()["text"] == "title: [\n"
    copy = client.post("/api/studio/projects", json={"name": "copy", "copy_of": "泡茶 1"}).json()
    assert copy["file"] == "copy.yaml"
    assert {path.name for path in (root(studio) / "copy").iterdir()} - {"copy.yaml"}
    assert client.delete(place).json() == {"ok": True}
    assert code(client.get(place)) == (404, "missing.project")
    assert not (root(studio) / "泡茶 1").exists() and not list((root(studio) / OWN).glob("gone-*"))


@pytest.mark.parametrize("name", ["%2e%2e", OWN, "a%2fb", "a%00", "a.", "-x", "x" * 65, "..%2f..%2fetc"])
def test_a_name_never_leaves_the_folder(studio: Served, client: httpx.Client, name: str) -> None:
    (root(studio).parent / "secret.yaml").write_text(TEXT)
    assert client.get(f"/api/studio/projects/{name}").status_code in (404, 422)
    assert client.post("/api/studio/projects", json={"name": name}).status_code == 422


def test_links_lead_nowhere(studio: Served, client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture())
    (tmp_path / "tmp.yaml").write_text(TEXT)
    (root(studio) / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    folder = project(studio, "links")
    (folder / "in.png").symlink_to(tmp_path / "secret.png")
    assert "elsewhere" not in {one["name"] for one in client.get("/api/studio/projects").json()["projects"]}
    assert code(client.get("/api/studio/projects/elsewhere")) == (404, "missing.project")
    assert client.get("/api/studio/projects/links/assets").json()["assets"] == []
    for file in ("in.png", "../links/links.yaml", "/etc/passwd", "links.yaml"):
        assert code(client.get("/api/studio/projects/links/assets/file", params={"file": file})) == (
            404,
            "missing.asset",
        )


def test_fields_are_changed_in_a_text_that_nobody_has_saved(studio: Served, client: httpx.Client) -> None:
    project(studio, "edited")
    place = "/api/studio/projects/edited/edit"
    wish = [{"op": "set", "field": "scenes[0].script", "value": "Green tea."}, {"op": "move", "field": "scenes[1]"}]
    made = client.post(place, json={"text": TEXT, "changes": wish}).json()
    assert [scene["id"] for scene in made["values"]["scenes"]] == ["two", "one"]
    assert "# of tea, as a comment" in made["text"]
    assert made["values"]["scenes"][1]["script"] == "Green tea."
    wrong = {"op": "set", "field": "title.x", "value": 1}
    assert code(client.post(place, json={"text": TEXT, "changes": [wrong]})) == (422, "project.form")
    assert client.get("/api/studio/projects/edited").json()["text"] == TEXT


def test_what_is_wrong_is_told_with_its_place(studio: Served, client: httpx.Client) -> None:
    project(
        studio, "checked", TEXT.replace("white", "leaf.png").replace("id: one", "id: one, layers: [{title: 1, at: x}]")
    )
    told = client.post("/api/studio/projects/checked/check", json={}).json()
    assert {(one["line"], one["field"]) for one in told["problems"]} == {
        (8, "scenes[0].layers[0].at"), (9, "scenes[1].background"),
    }  # fmt: skip
    fine = client.post("/api/studio/projects/checked/check", json={"text": TEXT}).json()
    assert fine["problems"] == [] and 0.5 < fine["seconds"] < 5 and fine["size"] == [128, 96]


def test_a_moment_is_seen_as_it_will_be(studio: Served, client: httpx.Client) -> None:
    from PIL import Image

    project(studio, "seen")
    place = "/api/studio/projects/seen/still"
    seen = client.post(place, json={"scene": 1, "at": 0.5, "side": 96})
    assert seen.status_code == 200 and seen.headers["content-type"] == "image/jpeg", seen.text
    shown = Image.open(io.BytesIO(seen.content))
    assert shown.size == (96, 72)
    assert 0.4 < float(seen.headers["x-seconds"]) < 0.8 and float(seen.headers["x-at"]) > 0
    assert min(shown.getpixel((4, 4))) > 240  # type: ignore[arg-type]
    other = client.post(place, json={"scene": 1, "text": TEXT.replace("white", "black")})
    assert max(Image.open(io.BytesIO(other.content)).getpixel((4, 4))) < 20  # type: ignore[arg-type]
    assert client.get("/api/studio/projects/seen/picture").status_code == 404  # nobody has seen its first scene
    assert client.post(place, json={"scene": 0, "side": 96}).status_code == 200
    assert client.get("/api/studio/projects/seen/picture").headers["content-type"] == "image/jpeg"
    assert client.post(place, json={"scene": 7}).status_code == 422
    bad = client.post(place, json={"text": TEXT.replace("white", "nocolour")})
    assert code(bad) == (422, "project") and "nocolour" in bad.json()["error"]["message"]
    sheet = client.post("/api/studio/projects/seen/sheet", json={})
    assert Image.open(io.BytesIO(sheet.content)).width > 270


def test_the_film_is_watched_in_small(studio: Served, client: httpx.Client, tmp_path: Path) -> None:
    import av

    project(studio, "drafted")
    place = "/api/studio/projects/drafted/draft"
    lengths = []
    for wish in ({}, {"scene": 1}):
        made = client.post(place, json=wish)
        assert (made.status_code, made.headers["content-type"]) == (200, "video/mp4"), made.text
        (tmp_path / "small.mp4").write_bytes(made.content)
        with av.open(tmp_path / "small.mp4") as film:
            lengths.append((film.duration or 0) / 1e6)
            assert (film.streams.video[0].width, len(film.streams.audio)) == (128, 1)
    assert lengths[0] > lengths[1] + 0.2 and 0.4 < lengths[1] < 0.8
    assert code(client.post(place, json={"scene": 5})) == (422, "input")
    assert not [*(root(studio) / OWN / FRESH).glob("*.mp4")]


def test_a_small_film_that_nobody_waits_for_is_ended(studio: Served, client: httpx.Client) -> None:
    project(studio, "dropped", TEXT.replace("for: 0.5s", "for: 500s"))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/api/studio/projects/dropped/draft", json={"mark": "m"}, timeout=2)
    assert studio.desk.studio is not None
    end = time.monotonic() + 10
    while studio.desk.studio.home("").drafts or [*(root(studio) / OWN / FRESH).glob("*.mp4")]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_pages_are_told_what_changes(studio: Served, client: httpx.Client) -> None:
    folder = project(studio, "watched")

    async def watch() -> None:
        async with websockets.connect(f"{studio.ws}/api/studio/events?project=watched") as socket:
            first = {(one := json.loads(await socket.recv()))["type"]: one for _ in range(4)}
            assert first["project"]["version"] and isinstance(first["films"]["films"], list)
            (folder / "watched.yaml").write_text(TEXT + "# more\n", encoding="utf-8")
            (folder / "leaf.png").write_bytes(picture())
            later = json.loads(await socket.recv())
            assert later["version"] != first["project"]["version"] and later["files"] != first["project"]["files"]
            assert later["version"] == client.get("/api/studio/projects/watched").json()["version"]

    run(watch())


def test_tokens_do_not_see_each_other(tmp_path: Path) -> None:
    tokens = (Token("a" * 20), Token("b" * 20))
    with serving(studio=tmp_path, tokens=tokens) as served, served.client() as client:
        ada, bo = ({"Authorization": f"Bearer {one.secret}"} for one in tokens)
        place = "/api/studio/projects"
        assert client.post(place, json={"name": "tea", "language": "en"}, headers=ada).status_code == 201
        wish = {"file": "a.png", "size": 100}
        upload = client.post(f"{place}/tea/uploads", json=wish, headers=ada).json()["id"]
        film = client.post(f"{place}/tea/films", json={"preset": "fast"}, headers=ada).json()["id"]
        assert client.get(f"/api/studio/films/{film}", headers=ada).status_code == 200
        for path in (f"{place}/tea", f"{place}/tea/assets", f"/api/studio/uploads/{upload}",
                     f"/api/studio/films/{film}", f"/api/studio/films/{film}/log"):  # fmt: skip
            assert client.get(path, headers=bo).status_code == 404, path
        assert client.delete(f"/api/studio/films/{film}", headers=bo).status_code == 404
        assert client.get(place, headers=bo).json()["projects"] == []
        assert client.get("/api/studio/films", headers=bo).json()["films"] == []
        assert client.post(place, json={"name": "tea", "language": "en"}, headers=bo).status_code == 201
        assert client.delete(f"/api/studio/films/{film}", headers=ada).status_code == 200
    reordered = tokens[::-1]
    with serving(studio=tmp_path, tokens=reordered) as served, served.client() as client:
        assert [one["id"] for one in client.get("/api/studio/films", headers=ada).json()["films"]] == [film]


def test_a_file_comes_in_pieces_and_goes_on_after_a_break(studio: Served, client: httpx.Client) -> None:
    project(studio, "pieces")
    data = picture(200)
    wish = {"file": "leaf.png", "size": len(data), "mark": "m"}
    upload = client.post("/api/studio/projects/pieces/uploads", json=wish).json()
    place = f"/api/studio/uploads/{upload['id']}"
    host, port = studio.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:  # half of it, then the line is cut
        head = (
            f"PATCH {place} HTTP/1.1\r\nHost: {host}:{port}\r\nUpload-Offset: 0\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        line.sendall(head.encode() + data[: len(data) // 2])
        time.sleep(0.2)
    end = time.monotonic() + 10
    while not (here := client.get(place).json()["offset"]):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert here == len(data) // 2
    assert client.post("/api/studio/projects/pieces/uploads", json=wish).json()["id"] == upload["id"]
    assert code(client.patch(place, content=b"x", headers={"Upload-Offset": "0"})) == (409, "upload.offset")
    rest = client.patch(place, content=data[here:], headers={"Upload-Offset": str(here)}).json()
    assert rest["done"] and rest["offset"] == len(data)
    held = client.get("/api/studio/projects/pieces/assets").json()
    assert [(one["file"], one["kind"], one["size"]) for one in held["assets"]] == [("leaf.png", "picture", len(data))]
    part = client.get(
        "/api/studio/projects/pieces/assets/file", params={"file": "leaf.png"}, headers={"Range": "bytes=1-3"}
    )
    assert part.status_code == 206 and part.content == b"PNG" and part.headers["content-disposition"].startswith("att")
    small = client.get("/api/studio/projects/pieces/assets/picture", params={"file": "leaf.png", "side": 32})
    assert small.headers["content-type"] == "image/jpeg"
    assert client.delete("/api/studio/projects/pieces/assets/file", params={"file": "leaf.png"}).json() == {"ok": True}


def test_uploads_outlive_the_server(tmp_path: Path) -> None:
    data = picture()
    with serving(studio=tmp_path) as served, served.client() as client:
        project(served, "tea")
        upload = client.post("/api/studio/projects/tea/uploads", json={"file": "a.png", "size": len(data)}).json()
        client.patch(f"/api/studio/uploads/{upload['id']}", content=data[:50], headers={"Upload-Offset": "0"})
    with serving(studio=tmp_path) as served, served.client() as client:
        place = f"/api/studio/uploads/{upload['id']}"
        assert client.get(place).json()["offset"] == 50
        assert client.patch(place, content=data[50:], headers={"Upload-Offset": "50"}).json()["done"]
        assert (tmp_path / "tea/a.png").read_bytes() == data


def test_what_is_not_what_its_name_says_is_not_taken(studio: Served, client: httpx.Client, tmp_path: Path) -> None:
    folder = project(studio, "untaken")
    refused = send(client, "untaken", "leaf.png", b"<html><script>alert(1)</script></html>")
    assert code(refused) == (422, "input.asset")
    assert (
        not (folder / "leaf.png").exists() and not client.get("/api/studio/projects/untaken/assets").json()["uploads"]
    )
    for file in (
        "a.html",
        "a.svg",
        "../a.png",
        "a/b.png",
        ".a.png",
        "a.yaml",
        "a.png.exe",
        "con\x00.png",
        f"{'茶' * 90}.png",
    ):
        wish = {"file": file, "size": 10}
        assert client.post("/api/studio/projects/untaken/uploads", json=wish).status_code == 422, file
    video(tmp_path / "clip.mp4")
    assert send(client, "untaken", "clip.mp4", (tmp_path / "clip.mp4").read_bytes()).json()["done"]
    shown = client.get("/api/studio/projects/untaken/assets/picture", params={"file": "clip.mp4"})
    assert shown.headers["content-type"] == "image/jpeg"
    more = client.post("/api/studio/projects/untaken/uploads", json={"file": "b.png", "size": 5}).json()
    place = f"/api/studio/uploads/{more['id']}"
    assert code(client.patch(place, content=b"123456", headers={"Upload-Offset": "0"})) == (413, "input.too_large")
    assert client.delete(place).json() == {"ok": True} and code(client.get(place)) == (404, "missing.upload")


def test_nobody_takes_more_than_is_allowed(tmp_path: Path) -> None:
    with serving(studio=tmp_path, studio_quota=8_000_000, project_quota=100_000) as served, served.client() as client:
        project(served, "tea")
        first = client.post("/api/studio/projects/tea/uploads", json={"file": "a.png", "size": 60_000})
        assert first.status_code == 201  # what is announced counts, so that two cannot share one room
        second = client.post("/api/studio/projects/tea/uploads", json={"file": "b.png", "size": 60_000})
        assert code(second) == (422, "quota.project")
        client.delete(f"/api/studio/uploads/{first.json()['id']}")
        assert (
            client.post("/api/studio/projects/tea/uploads", json={"file": "b.png", "size": 60_000}).status_code == 201
        )
        (tmp_path / "tea/big.png").write_bytes(bytes(9_000_000))
        assert code(client.post("/api/studio/projects", json={"name": "more"})) == (422, "quota.whole")


def test_a_film_is_queued_rendered_and_fetched(studio: Served, client: httpx.Client) -> None:
    folder = project(studio, "made")
    (folder / "notes.txt").write_text("before")
    asked = client.post("/api/studio/projects/made/films", json={"preset": "fast"})
    assert asked.status_code == 201, asked.text
    film = asked.json()["id"]
    (folder / "made.yaml").write_text("title: another\n")  # it is made of what was there
    with (folder / "notes.txt").open("r+") as notes:
        notes.write("AFTER!")
    assert (root(studio) / OWN / "films" / film / "project/notes.txt").read_text() == "before"
    done = until(client, film, "done", "quarantined")
    assert done["state"] == "done", done
    assert done["title"] == "A leaf"
    assert (done["report"]["width"], done["report"]["height"]) == (128, 96)
    roles = {one["role"]: one for one in done["files"]}
    assert set(roles) == {"film", "srt"} and roles["film"]["name"] == "made.mp4"
    part = client.get(roles["film"]["url"], headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"ftyp", "video/mp4")
    assert "Tea" in client.get(roles["srt"]["url"]).text
    assert client.get(f"/api/studio/films/{film}/log").json()["log"] is not None
    assert code(client.post(f"/api/studio/films/{film}/retry")) == (409, "input.conflict")
    assert client.delete(f"/api/studio/films/{film}").json() == {"ok": True}
    assert code(client.get(f"/api/studio/films/{film}")) == (404, "missing.film")
    broken = client.post("/api/studio/projects/made/films", json={})
    assert code(broken) == (422, "project")


def test_a_film_waits_for_somebody_who_has_looked_at_it(studio: Served, client: httpx.Client) -> None:
    project(studio, "looked", TEXT.replace("teal", "navy"))
    films = [
        client.post("/api/studio/projects/looked/films", json={"preset": "fast", "review": True}).json()["id"]
        for _ in "ab"
    ]
    waits = until(client, films[0], "waiting-for-review", "quarantined")
    assert "Tea." in client.get(f"/api/studio/films/{films[0]}/log").json()["words"]
    assert waits["state"] == "waiting-for-review", waits
    assert client.get(f"/api/studio/films/{films[0]}/film").content[4:8] == b"ftyp"
    place = f"/api/studio/films/{films[0]}/decision"
    assert client.post(place, json={"approved": True, "who": "  "}).status_code == 422
    client.post(place, json={"approved": True, "who": "Ada", "why": "fine"})
    assert until(client, films[0], "done")["files"]
    audit = client.get(f"/api/studio/films/{films[0]}/log").json()["audit"]
    assert [(one["who"], one["action"], one["why"]) for one in audit][-1] == ("Ada", "approved", "fine")
    assert code(client.post(place, json={"approved": True, "who": "Ada"})) == (409, "input.conflict")
    until(client, films[1], "waiting-for-review")
    gone = client.post(f"/api/studio/films/{films[1]}/decision", json={"approved": False, "who": "Ada"}).json()
    assert (gone["state"], gone["fault"]["code"]) == ("quarantined", "rejected")
    assert client.delete(f"/api/studio/films/{films[1]}").json() == {"ok": True}
    assert not [*(root(studio) / OWN / "jobs/made").glob("*/*.mp4")]


def test_a_film_is_cancelled_and_tried_again(studio: Served, client: httpx.Client) -> None:
    project(studio, "stopped", TEXT.replace("128x96", "1920x1080").replace("for: 0.5s", "for: 60s"))
    film = client.post("/api/studio/projects/stopped/films", json={}).json()["id"]
    until(client, film, "running")
    assert client.delete(f"/api/studio/films/{film}").json() == {"ok": True}
    assert until(client, film, "cancelled")["files"] == []
    assert client.post(f"/api/studio/films/{film}/retry").json()["state"] in ("queued", "running")
    client.delete(f"/api/studio/films/{film}")
    assert until(client, film, "cancelled")


def test_what_takes_too_long_is_ended_and_the_next_is_done(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    with Bench(tmp_path / "spoken") as bench:
        with pytest.raises(BackendError) as slow:
            bench.ask("examine", 0.01, file=str(tmp_path / "a.png"), kind="picture")
        assert slow.value.code == "studio.slow"
        assert bench.ask("examine", 20, file=str(tmp_path / "a.png"), kind="picture")["wrong"] == ""
        with pytest.raises(MienError) as wrong:
            bench.ask("thumbnail", 20, file=str(tmp_path / "b.png"), kind="picture", side=32)
        assert wrong.value.code == "input.asset"
        with pytest.raises(BackendError):
            bench.ask("examine", 20, wanted=lambda: False, file="", kind="picture")
