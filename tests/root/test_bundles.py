"""Voices of several files: checked, confined, whole or not at all, and trusted only when the user said so."""

from __future__ import annotations

import bz2
import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien import archive, bundles, models
from mien.bundles import Bundle, Part
from mien.errors import InputError, MienError, MissingError, UsageError

NET, VOCODER = b"net" * 4_000, b"vocoder" * 900


def tar(*files: tuple[str, bytes], change: Callable[[tarfile.TarInfo], None] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:bz2") as made:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if change is not None:
                change(info)
            made.addfile(info, io.BytesIO(content))
    return out.getvalue()


GOOD = tar(("voice-1/model.onnx", NET), ("voice-1/tokens.txt", b"a 1\n"), ("voice-1/data/x", b"x"))


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("MIEN_OFFLINE", raising=False)
    monkeypatch.delenv("MIEN_GITHUB_MIRROR", raising=False)
    monkeypatch.setattr(models, "_listeners", [lambda _model, _sentence: None])


class _Server(http.server.ThreadingHTTPServer):
    files: dict[str, bytes]
    asked: list[str]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        content = self.server.files.get(self.path.rpartition("/")[2])
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    running = _Server(("127.0.0.1", 0), _Handler)
    running.files, running.asked = {"voice.tar.bz2": GOOD, "vocoder.onnx": VOCODER}, []
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def use(monkeypatch: pytest.MonkeyPatch, server: _Server, *, pinned: bool = True) -> Bundle:
    """A bundle of an archive and a plain file, on the server."""
    root = f"http://127.0.0.1:{server.server_port}/release"
    about = (len(GOOD), hashlib.sha256(GOOD).hexdigest()) if pinned else (0, "")
    parts = (
        Part(f"{root}/voice.tar.bz2", True, *about),
        Part(f"{root}/vocoder.onnx", False, len(VOCODER), hashlib.sha256(VOCODER).hexdigest()),
    )
    made = Bundle("voice", "A test.", "vits", ("en",), 1, "MIT", "yes", "", parts)
    monkeypatch.setattr(bundles, "catalogue", lambda: {"voice": made})
    return made


def test_the_catalogue_is_whole() -> None:
    known = bundles.catalogue()
    assert {"kokoro-zh-en", "zipvoice-zh-en", "melo-zh-en", "matcha-zh", "piper-en-small"} <= set(known)
    assert not set(known) & set(models.catalogue())
    for bundle in known.values():
        spoken = bundle.use == "speak"
        families = ("kokoro", "vits", "matcha", "zipvoice"), ("sense-voice", "paraformer", "transducer", "whisper")
        assert bundle.use in bundles.OWN and bundle.family in families[not spoken]
        assert (bundle.languages or not spoken) and bundle.licence and bundle.commercial in ("yes", "no", "unknown")
        assert sum(part.archive for part in bundle.parts) == 1
        for part in bundle.parts:
            assert part.source.startswith("https://")
            assert bool(part.sha256) == bool(part.size)
            assert not part.sha256 or (len(part.sha256) == 64 and set(part.sha256) <= set("0123456789abcdef"))
            assert part.size < bundles.MAX_PART


def test_a_bundle_comes_whole_once(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = use(monkeypatch, server)
    assert bundles.cached("voice") is None
    with pytest.raises(MissingError, match="mien models pull voice"):
        bundles.path("voice")
    seen: list[tuple[int, int]] = []
    done = bundles.pull("voice", observe=lambda size, total: seen.append((size, total)))
    assert (done.fetched, done.accepted) == (True, ())
    folder = bundles.path("voice")
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == {"model.onnx": NET, "tokens.txt": b"a 1\n", "data/x": b"x", "vocoder.onnx": VOCODER}
    assert seen[-1] == (bundle.size, bundle.size)
    assert not bundles.pull("voice").fetched
    assert len(server.asked) == 2
    assert bundles.verify("voice") == "ok"
    assert bundles.installed() == {"voice": folder}


def test_damage_is_noticed(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, server)
    bundles.pull("voice")
    file = bundles.path("voice") / "model.onnx"
    file.write_bytes(NET[:-1] + b"!")
    assert bundles.verify("voice") == "damaged"
    assert bundles.cached("voice") is None  # its time has changed
    bundles.pull("voice")
    assert bundles.verify("voice") == "ok"
    (bundles.path("voice") / "tokens.txt").unlink()
    assert bundles.cached("voice") is None


@pytest.mark.parametrize("came", [GOOD[:-1], GOOD + b"x", tar(("voice-1/model.onnx", b"evil"))])
def test_what_is_not_what_was_pinned_is_refused_and_leaves_nothing(
    server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, came: bytes
) -> None:
    use(monkeypatch, server)
    server.files["voice.tar.bz2"] = came
    with pytest.raises(InputError):
        bundles.pull("voice", accept_unpinned=True)  # which is for what nobody pinned
    assert bundles.cached("voice") is None
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file() and p.name != ".lock"]


def test_unpinned_parts_are_trusted_once_and_for_ever(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = use(monkeypatch, server, pinned=False)
    assert (bundle.pinned, bundle.size) == (False, 0)
    with pytest.raises(MissingError, match="Nobody has pinned") as refused:
        bundles.pull("voice")
    assert "--accept-unpinned" in refused.value.hint
    assert not server.asked
    done = bundles.pull("voice", accept_unpinned=True)
    sha256 = hashlib.sha256(GOOD).hexdigest()
    assert done.accepted == (("voice.tar.bz2", sha256),)
    assert json.loads(bundles.trusted_file().read_bytes())[bundle.parts[0].source]["sha256"] == sha256
    (bundles.path("voice") / "tokens.txt").unlink()
    assert bundles.pull("voice").fetched  # the record stands for the pin
    (bundles.path("voice") / "tokens.txt").unlink()
    server.files["voice.tar.bz2"] = tar(("voice-1/model.onnx", b"other"))
    with pytest.raises(InputError):
        bundles.pull("voice", accept_unpinned=True)


def test_a_damaged_record_of_trust_is_told(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, server, pinned=False)
    bundles.trusted_file().parent.mkdir(parents=True)
    bundles.trusted_file().write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        bundles.pull("voice", accept_unpinned=True)


def test_offline_fetches_nothing(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, server)
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MissingError, match="offline"):
        bundles.pull("voice")
    assert not server.asked


def test_files_that_the_user_has(server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, server)
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    mine = tmp_path / "downloads" / "my-name-for-it.tar.bz2"
    mine.parent.mkdir()
    mine.write_bytes(GOOD)
    with pytest.raises(InputError, match=r"vocoder\.onnx does not lie beside"):
        bundles.pull("voice", origin=mine)
    (mine.parent / "vocoder.onnx").write_bytes(VOCODER)
    assert bundles.pull("voice", origin=mine).fetched
    assert bundles.verify("voice") == "ok"
    mine.write_bytes(GOOD + b"x")
    with pytest.raises(InputError):
        bundles.pull("voice", origin=mine)
    assert mine.exists()
    assert bundles.verify("voice") == "ok"  # the one that was here stays


def test_a_folder_that_the_user_has(server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, server)
    folder = tmp_path / "unpacked"
    (folder / "data").mkdir(parents=True)
    with pytest.raises(InputError, match="no files"):
        bundles.pull("voice", origin=folder)
    (folder / "data/model.onnx").write_bytes(NET)
    bundles.pull("voice", origin=folder)
    assert (bundles.path("voice") / "data/model.onnx").read_bytes() == NET
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="is a link"):
        bundles.pull("voice", origin=folder)
    assert not server.asked


def test_a_mirror_of_github(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = use(monkeypatch, server)
    parts = tuple(
        Part(
            p.source.replace(f"http://127.0.0.1:{server.server_port}", "https://github.com"),
            p.archive,
            p.size,
            p.sha256,
        )
        for p in bundle.parts
    )
    moved = Bundle("voice", "A test.", "vits", ("en",), 1, "MIT", "yes", "", parts)
    monkeypatch.setattr(bundles, "catalogue", lambda: {"voice": moved})
    monkeypatch.setenv("MIEN_GITHUB_MIRROR", f"http://127.0.0.1:{server.server_port}/mirror/")
    bundles.pull("voice")
    assert server.asked == ["/mirror/release/voice.tar.bz2", "/mirror/release/vocoder.onnx"]


def test_unknown_names_are_told() -> None:
    with pytest.raises(UsageError, match="kokoro-zh-en"):
        bundles.pull("nobody")


def _link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/passwd", 0


def _hard_link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname, info.size = tarfile.LNKTYPE, "../../x", 0


def _device(info: tarfile.TarInfo) -> None:
    info.type, info.size = tarfile.CHRTYPE, 0


@pytest.mark.parametrize(
    "content",
    [
        tar(("../evil", b"x")),
        tar(("/etc/evil", b"x")),
        tar(("a/../../evil", b"x")),
        tar(("a\\..\\evil", b"x")),
        tar(("C:evil", b"x")),
        tar(("a/b\nc", b"x")),
        tar(("a/link", b""), change=_link),
        tar(("a/link", b""), change=_hard_link),
        tar(("a/dev", b""), change=_device),
        tar(("a/x", b"1"), ("a/x", b"2")),
        tar(("a/x", b"1"), ("a/X", b"2")),
        tar(("a/f", b"1"), ("a/f/g", b"2")),
        tar(),
        b"",
        b"no archive",
        GOOD[: len(GOOD) // 2],
        bz2.compress(b"\0" * 100_000),
    ],
)
def test_archives_that_do_harm_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "voice.tar.bz2"
    file.write_bytes(content)
    with pytest.raises(MienError, match=r"is not unpacked|cannot be written"):
        archive.unpack(file, tmp_path / "out" / "here")
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and not p.is_relative_to(tmp_path / "out/here")]
    assert outside == [file]


@pytest.mark.parametrize("inside", ["m/.top", "m/.top/x", "m/m", "m/m/x"])
def test_the_folder_on_top_goes_whatever_is_in_it(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "voice.tar.bz2"
    file.write_bytes(tar((inside, b"1"), ("m/y", b"2")))
    wanted = sorted([inside.removeprefix("m/"), "y"])
    assert archive.unpack(file, tmp_path / "out") == wanted
    found = [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()]
    assert sorted(found) == [*(f"out/{name}" for name in wanted), "voice.tar.bz2"]


def test_bombs_are_stopped(tmp_path: Path) -> None:
    file = tmp_path / "bomb.tar.bz2"
    file.write_bytes(tar(("a/zeros", b"\0" * 3_000_000)))
    with pytest.raises(InputError, match="more than 2 MB"):
        archive.unpack(file, tmp_path / "out", max_bytes=2 << 20)
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file()) == 0
    file.write_bytes(tar(*((f"a/{i}", b"") for i in range(30))))
    with pytest.raises(InputError, match="files"):
        archive.unpack(file, tmp_path / "more", max_files=20)


def test_what_is_unpacked_keeps_no_rights_of_its_own(tmp_path: Path) -> None:
    def runnable(info: tarfile.TarInfo) -> None:
        info.mode, info.uid = 0o4777, 0

    file = tmp_path / "voice.tar.bz2"
    file.write_bytes(tar(("a/x", b"1"), change=runnable))
    assert archive.unpack(file, tmp_path / "out") == ["x"]
    assert (tmp_path / "out/x").stat().st_mode & 0o7111 == 0
