"""Another background while a session goes on: by words over the events, by a picture of one's own over HTTP."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.live.fakes import Parrot, Witness
from tests.server.kit import Served, events, run, serving
from tests.transmit.live_kit import wait_for

from mien import config
from mien.live.troupe import cast


def png(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """With the real renderer and the demo portrait, small."""
    plain = config.Settings()
    settings = replace(plain, film=replace(plain.film, size="128"))
    cabinet: list[Any] = []

    def caster(wish: Any, persona: Any, thinker: Any) -> Any:
        return cast(wish, settings, cabinet[0], thinker, persona, lambda _: None)

    with serving(Parrot("Hello."), cast=caster, settings=settings) as server:
        cabinet.append(server.desk.cabinet)
        yield server


def corner(witness: Witness) -> list[int]:
    """The upper left pixel of the latest picture, which is never the person's."""
    return [int(v) for v in witness.frames[-1].pixels[2, 2]]


def test_colour_gradient_picture_and_blur_come_with_the_next_pictures(served: Served) -> None:
    folder = config.data_dir() / "backgrounds"
    folder.mkdir(parents=True)
    (folder / "sky.png").write_bytes(png((90, 140, 230)))
    name = served.session(language="en")
    witness = Witness()
    served.desk.room(name).session.watch(witness)
    assert wait_for(lambda: len(witness.frames) > 3)
    own = witness.frames[-1].pixels.copy()

    def shows(colour: tuple[int, int, int]) -> bool:
        return wait_for(lambda: max(abs(a - b) for a, b in zip(corner(witness), colour, strict=False)) <= 6)

    async def choose() -> None:
        async with events(served, name) as page:
            for background, colour in (("#204060", (32, 64, 96)), ("red,blue", (250, 0, 4)),
                                       ("picture:sky", (90, 140, 230))):  # fmt: skip
                await page.send("background", background=background)
                assert (await page.until("background"))["background"] == background
                assert shows(colour), background
            for background, code in (("transparent", "input.conflict"), ("picture:../sky", "input.message"),
                                     ("picture:sea", "missing.background"), ("blurple", "usage")):  # fmt: skip
                await page.send("background", background=background)
                assert (await page.until("error"))["code"] == code
            assert shows((90, 140, 230))
            await page.send("background", background="source")
            await page.until("background")

    run(choose())
    assert wait_for(lambda: float(np.abs(witness.frames[-1].pixels.astype(int) - own).mean()) < 6)
    with served.client() as client:
        assert client.get("/api/backgrounds").json() == {"pictures": ["sky"]}
        assert client.post(f"/api/sessions/{name}/background", content=png((10, 200, 30))).json() == {"ok": True}
        assert shows((10, 200, 30))
        for data in (b"", b"no picture", png((1, 2, 3))[:60]):
            assert client.post(f"/api/sessions/{name}/background", content=data).status_code == 422
        large = client.post(f"/api/sessions/{name}/background", content=b"x" * (21 << 20))
        assert large.status_code == 413
        client.delete(f"/api/sessions/{name}")


def test_where_alpha_was_chosen_it_may_come_and_go(served: Served) -> None:
    name = served.session(alpha=True)
    witness = Witness()
    room = served.desk.room(name)
    room.session.watch(witness)
    assert wait_for(lambda: len(witness.frames) > 3 and witness.frames[-1].pixels.shape[2] == 4)
    served.desk.set_background(room, "#ffffff")
    assert wait_for(lambda: corner(witness) == [255, 255, 255])
    served.desk.set_background(room, "transparent")
    assert wait_for(lambda: witness.frames[-1].pixels.shape[2] == 4 and corner(witness)[3] == 0)
    with served.client() as client:
        client.delete(f"/api/sessions/{name}")
