"""The studio in a browser: form and file in step, what is wrong at its field, files that are dropped, a film."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from benchmarks.live_browser import CHROMIUM
from tests.e2e.page.kit import browser, live, served, until, visit

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, FilePayload, Route

pytest.importorskip("aiortc", reason="the extra 'live' is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt install chromium)")

TEXT = """\
# Kept: this comment.
mien: 1
title: Tea
canvas: {size: 128x160, fps: 10}
avatar: none
background: {colour: teal}
scenes:
  - {id: one, script: Tea., layers: [{title: Tea, at: 0.1s}]}
  - id: two
    for: 0.4s
"""
SAVED = "mienStudio.editor && mienStudio.editor.project.state === 'saved'"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "tea").mkdir()
    (folder / "tea/tea.yaml").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(studio=folder) as place:
        yield place


def test_a_film_is_made_from_the_first_word_to_the_download(
    chromium: Browser, address: str, folder: Path, tmp_path: Path
) -> None:
    from PIL import Image

    Image.effect_noise((300, 300), 90).convert("RGB").save(tmp_path / "leaf.png")
    with visit(chromium, f"{address}/#studio") as page:
        page.click("text=Tea")
        until(page, "document.querySelector('.still img')?.naturalWidth > 60")
        page.fill("[data-key='title']", "A leaf: of tea")  # the form writes the file
        until(page, "document.querySelector('.code').value.includes('A leaf: of tea')")
        text = page.input_value(".code")
        page.fill(".code", text.replace("for: 0.4s", "for: 0.6s\n    background: nocolour"))  # and the file the form
        until(page, "mienStudio.editor.project.values.scenes[1].background === 'nocolour'")
        until(page, "document.querySelector('.problem')?.textContent.includes('line 11')")
        page.click(".problem")
        until(page, "document.querySelectorAll('.scene-card')[1].open")
        assert "such as teal" in page.inner_text(".scene-card[open] .wrong")
        page.set_input_files(".drawer input[type=file]", str(tmp_path / "leaf.png"))
        until(page, "mienStudio.editor.form.assets.some(one => one.file === 'leaf.png')")
        page.select_option("[data-key='scenes[1].background']", "picture")
        until(page, "!document.querySelector('.problem') && document.querySelector('.fine')?.textContent")
        until(page, SAVED)
        saved = (folder / "tea/tea.yaml").read_text("utf-8")
        assert saved.startswith("# Kept: this comment.\n") and re.search(r"picture: leaf.png", saved)
        page.click(".head-tools .solid")
        page.click(".ask-dialog .solid")
        until(page, "document.querySelector('.film a.solid')")
        with page.expect_download() as fetched:
            page.click(".film a.solid")
        assert fetched.value.suggested_filename == "tea.mp4"
        fetched.value.save_as(tmp_path / "tea.mp4")
        assert (tmp_path / "tea.mp4").read_bytes()[4:8] == b"ftyp"
        complaints = page.mien_complaints  # type: ignore[attr-defined]
        assert not [one for one in complaints if "422" not in one]  # a picture of what is wrong is refused


def test_quick_changes_all_stay_and_changes_from_elsewhere_are_followed(
    chromium: Browser, address: str, folder: Path
) -> None:
    file = folder / "two/two.yaml"
    file.parent.mkdir()
    file.write_text(TEXT.replace("title: Tea\n", "title: Two # kept\ncaptions: plain\n", 1), encoding="utf-8")
    with visit(chromium, f"{address}/#studio/two") as page:
        until(page, "document.querySelector('.form .part')")
        page.evaluate("""() => {
          for (const [key, value] of [['style', 'box'], ['platform', 'tiktok'], ['place', 'top'], ['size', '5']]) {
            const field = document.querySelector(`[data-key="captions.${key}"]`)
            field.value = value
            field.dispatchEvent(new Event('change'))
          }
        }""")
        until(page, f"mienStudio.editor.project.text.includes('size: 5%') && {SAVED}", 30)
        assert "captions: {style: box, platform: tiktok, place: top, size: 5%}" in file.read_text("utf-8")
        file.write_text(file.read_text("utf-8").replace("Two", "From elsewhere"), encoding="utf-8")
        until(page, "document.querySelector('[data-key=title]').value === 'From elsewhere'", 30)
        page.click(".preview-tools button")  # the scene, in small
        until(page, "document.querySelector('.player video')?.duration > 0.3", 60)
        page.evaluate("mienStudio.editor.drawer.limits.largest.picture = 10")
        big: FilePayload = {"name": "big.png", "mimeType": "image/png", "buffer": bytes(20)}
        page.set_input_files(".drawer input[type=file]", big)
        until(page, "document.querySelector('.moving [data-state=failed]')?.textContent.includes('at most')")
        assert not page.mien_complaints  # type: ignore[attr-defined]


def test_an_upload_goes_on_where_it_broke(chromium: Browser, address: str, folder: Path) -> None:
    data = bytes(range(256)) * 4000
    asked: list[str] = []

    def line(route: Route) -> None:
        asked.append(route.request.headers["upload-offset"])
        if len(asked) == 2:
            route.fetch()  # it arrives, and the answer is lost
        route.abort("connectionreset") if len(asked) == 2 else route.continue_()

    (folder / "broken").mkdir()
    (folder / "broken/broken.yaml").write_text(TEXT, encoding="utf-8")
    with visit(chromium, f"{address}/#studio/broken") as page:
        until(page, "document.querySelector('.form .part')")
        page.route("**/api/studio/uploads/*", line)
        text: FilePayload = {"name": "notes.txt", "mimeType": "text/plain", "buffer": data.replace(bytes(1), b"a")}
        page.evaluate("mienStudio.editor.drawer.uploads.most = 262144")
        page.set_input_files(".drawer input[type=file]", text)
        until(page, "mienStudio.editor.drawer.uploads.all[0]?.state.match(/done|failed/)", 30)
        assert asked[:3] == ["0", "262144", "524288"], page.evaluate("mienStudio.editor.drawer.uploads.all[0].words")


def test_the_conversation_rests_while_somebody_is_in_the_studio(chromium: Browser, address: str) -> None:
    with visit(chromium, f"{address}/?transport=socket", locale="zh-CN") as page:
        live(page)
        page.click("#tab-studio")
        until(page, "document.querySelector('.project')")
        assert page.inner_text("#tab-studio") == "工作室" and page.is_hidden("#ask")
        until(page, "mien.link.session === null")
        page.click("#tab-live")
        live(page)
        assert page.is_hidden("#studio")


def test_without_a_studio_there_is_no_tab(chromium: Browser) -> None:
    with served() as place, visit(chromium, f"{place}/?transport=socket#studio") as page:
        live(page)
        assert page.is_hidden("#tabs") and page.is_hidden("#studio")


def test_values_in_short_are_understood_and_changed(chromium: Browser, address: str) -> None:
    body = """async () => {
      const m = await import('/page/studio-values.js')
      const { problemWords } = await import('/page/studio-problems.js')
      const short = {captions: 'karaoke', cast: {anna: 'anna.jpg'}}
      return [
        m.expand('background', 'sea.JPG'), m.expand('background', 'blur'), m.expand('avatar', 'anna'),
        m.expand('music', false),
        m.canvasSize('9:16'), m.canvasSize({size: '720p', aspect: '16:9'}), m.canvasSize({size: '640x480'}),
        m.setIn(short.captions, 'captions', 'captions', 'platform', 'tiktok'),
        m.setIn(undefined, 'music', 'music', 'file', 'a.mp3'),
        m.setIn(short.cast.anna, 'cast.anna', 'avatar', 'voice', 'auto'),
        m.setIn({picture: 'a.png'}, 'logo', 'logo', 'picture'),
        m.saidIn({dialogue: [{anna: '[happy]Tea![/happy]'}, {bo: {script: 'Yes.'}}]}),
        problemWords("there is no file 'a'; x."),
      ]
    }"""
    with visit(chromium, f"{address}/health") as page:
        (sea, blur, anna, none, tall, wide, own, looks, music, cast, logo, said, told) = page.evaluate(body)
    assert (sea, blur, anna, none) == ({"picture": "sea.JPG"}, {"blur": True}, {"name": "anna"}, {})
    assert (tall, wide, own) == ([1080, 1920], [1280, 720], [640, 480])
    assert looks == [{"op": "set", "field": "captions", "value": {"style": "karaoke", "platform": "tiktok"}}]
    assert music == [{"op": "set", "field": "music.file", "value": "a.mp3"}]
    assert cast == [{"op": "set", "field": "cast.anna", "value": {"portrait": "anna.jpg", "voice": "auto"}}]
    assert logo == [{"op": "remove", "field": "logo"}]
    assert (said, told) == ("Tea! Yes.", "there is no file 'a'; x.")


def test_what_is_wrong_is_told_in_chinese_too(chromium: Browser, address: str, tmp_path: Path) -> None:
    from tests.studio import folder
    from tests.studio.test_bad_projects import YAML, problems

    home = folder.fill(tmp_path)
    told = sorted({problem.message for case in YAML for problem in problems(home, case[1])})
    assert len(told) > 80
    with visit(chromium, f"{address}/health", locale="zh-CN") as page:
        body = "async told => { const m = await import('/page/studio-problems.js'); return told.map(m.problemWords) }"
        chinese = page.evaluate(body, told)
    assert not [one for one, words in zip(told, chinese, strict=True) if not re.search("[一-鿿]{2}", words)]
    assert not [words for words in chinese if re.search(r"(?:[a-z]+ ){5}", words)]
