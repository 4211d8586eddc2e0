"""Model files: fetched once, whole, checked, never offline, never out of their place."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import fetch, models
from mien.errors import InputError, MienError, MissingError, NetworkError, OutputError, UsageError
from mien.models import ModelFile

ONE, TWO = b"one" * 1000, b"two" * 2000


def entry(name: str, content: bytes, source: str, *, embedded: bool = True) -> ModelFile:
    return ModelFile(
        name,
        f"{name}.bin",
        "A test.",
        "MIT",
        "yes",
        embedded,
        len(content),
        hashlib.sha256(content).hexdigest(),
        source,
    )


def wheel_source(member: str) -> str:
    return f"wheel:mien-test-models==1.0:cp311-cp311-manylinux_2_28_x86_64!{member}"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("MIEN_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def told() -> Iterator[list[str]]:
    sentences: list[str] = []
    before = list(models._listeners)
    models.listen(lambda _model, sentence: sentences.append(sentence))
    yield sentences
    models._listeners[:] = before


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of one wheel, for pip and uv alike: a folder that both are told to look in."""
    folder = tmp_path / "links"
    folder.mkdir()
    make_wheel(folder, {"pkg/one.bin": ONE, "pkg/two.bin": TWO})
    for name, value in {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(folder),
        "UV_CACHE_DIR": str(tmp_path / "uv"),
    }.items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def by_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the installer does not matter, the one that is quick."""
    every = fetch._installers
    monkeypatch.setattr(fetch, "_installers", lambda wheel: [c for c in every(wheel) if "uv" in Path(c[0]).name])


def make_wheel(folder: Path, files: dict[str, bytes]) -> Path:
    about = "mien_test_models-1.0.dist-info"
    wheel = folder / "mien_test_models-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mien-test-models\nVersion: 1.0\n")
        tag = "cp311-cp311-manylinux_2_28_x86_64"
        archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in archive.namelist()))
    return wheel


def use(monkeypatch: pytest.MonkeyPatch, *entries: ModelFile) -> None:
    table = {model.name: model for model in entries}
    monkeypatch.setattr(models, "catalogue", lambda: table)


def one_and_two() -> tuple[ModelFile, ModelFile]:
    return entry("one", ONE, wheel_source("pkg/one.bin")), entry("two", TWO, wheel_source("pkg/two.bin"))


def leftovers(cache: Path) -> list[str]:
    return [p.name for p in (cache / "models").rglob("*") if ".part" in p.name or p.name.startswith(".fetch-")]


def test_the_catalogue_is_whole() -> None:
    known = models.catalogue()
    assert {"face_detection_short_range", "face_landmark", "iris_landmark", "selfie_segmentation"} <= set(known)
    for model in known.values():
        assert model.commercial in ("yes", "no", "unknown")
        assert len(model.sha256) == 64 and set(model.sha256) <= set("0123456789abcdef")
        assert 0 < model.size < 100_000_000
        assert Path(model.file).name == model.file
        assert fetch.parse_wheel(model.source) or not model.embedded


def test_one_download_brings_all_embedded_files_of_a_wheel(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *one_and_two())
    assert models.path("one").read_bytes() == ONE
    assert [line.split()[1] for line in told] == ["one", "two"]
    (links / "mien_test_models-1.0-cp311-cp311-manylinux_2_28_x86_64.whl").unlink()
    assert models.path("two").read_bytes() == TWO
    assert len(told) == 2
    assert not leftovers(cache)


@pytest.mark.parametrize("installer", ["pip", "seed pip", "uv"])
def test_every_installer_brings_the_same(
    installer: str, cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = list(fetch._installers(one_wheel()))
    if installer == "seed pip":
        from importlib import util

        found = util.find_spec
        monkeypatch.setattr(util, "find_spec", lambda name: None if name == "pip" else found(name))
        chosen = [command for command in fetch._installers(one_wheel()) if "pip-" in command[1]]
    else:
        chosen = [command for command in every if ("uv" in Path(command[0]).name) == (installer == "uv")]
    assert chosen, f"{installer} must be in the environment that `make setup` makes"
    monkeypatch.setattr(fetch, "_installers", lambda _wheel: iter(chosen))
    use(monkeypatch, *one_and_two())
    assert models.path("two").read_bytes() == TWO
    assert not leftovers(cache)


def one_wheel() -> fetch.Wheel:
    wheel = fetch.parse_wheel(wheel_source("pkg/one.bin"))
    assert wheel
    return wheel


def test_a_changed_wheel_is_refused_and_leaves_nothing(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(links, {"pkg/one.bin": b"eno" * 1000, "pkg/two.bin": TWO})
    use(monkeypatch, *one_and_two())
    with pytest.raises(InputError, match="SHA-256"):
        models.path("one")
    assert models.cached("one") is None
    assert not leftovers(cache)


@pytest.mark.parametrize(("content", "word"), [(ONE[:-1], "cut short"), (ONE + b"x", "too long")])
def test_a_file_of_another_length_is_refused(
    content: bytes, word: str, cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(links, {"pkg/one.bin": content})
    use(monkeypatch, one_and_two()[0])
    with pytest.raises(InputError, match=word):
        models.path("one")
    assert not leftovers(cache)


def test_a_wheel_without_the_file_and_a_damaged_wheel(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(links, {"pkg/other.bin": ONE})
    use(monkeypatch, one_and_two()[0])
    with pytest.raises(InputError, match=r"does not hold pkg/one\.bin"):
        models.path("one")
    damaged = links / "damaged.whl"
    damaged.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    monkeypatch.setattr(fetch, "_download_wheel", lambda _wheel, _folder: damaged)
    with pytest.raises(InputError, match="is damaged"):
        models.path("one")


@pytest.mark.parametrize(
    "source",
    [
        wheel_source("../../etc/passwd"),
        wheel_source("/etc/passwd"),
        wheel_source("a/../../b"),
        wheel_source("C:\\x"),
        "wheel:--index-url==1.0:cp311-cp311-any!x",
        "wheel:name==1.0; rm -rf:cp311-cp311-any!x",
        "wheel:name==1.0!x",
    ],
)
def test_sources_that_leave_their_place_are_refused(source: str) -> None:
    with pytest.raises(InputError, match="not a wheel source"):
        fetch.parse_wheel(source)


@given(st.text(max_size=60), st.sampled_from(["wheel:", "wheel:a==1:cp311-cp311-any!", "wheel:a==1:py3-none-any!x/"]))
def test_any_wheel_source_is_read_safely_or_refused(rest: str, start: str) -> None:
    try:
        wheel = fetch.parse_wheel(start + rest)
    except InputError as refused:
        assert "not a wheel source" in refused.message
    else:
        assert wheel
        assert not wheel.name.startswith("-")
        assert (Path("/root/cache") / wheel.member).resolve().is_relative_to("/root/cache")


def test_an_unpacked_wheel_cannot_lead_out_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(ONE)
    unpacked = tmp_path / "unpacked"
    (unpacked / "pkg").mkdir(parents=True)
    (unpacked / "pkg/one.bin").symlink_to(tmp_path / "secret")
    expected = fetch.Expected("one", len(ONE), hashlib.sha256(ONE).hexdigest())
    with pytest.raises(InputError, match="does not hold"), fetch._open_member(unpacked, "pkg/one.bin", expected):
        pass


def test_without_a_network_and_without_an_installer(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, one_and_two()[0])
    (links / "mien_test_models-1.0-cp311-cp311-manylinux_2_28_x86_64.whl").unlink()
    with pytest.raises(NetworkError, match="could not be fetched"):
        models.path("one")
    monkeypatch.setattr(fetch, "_installers", lambda _wheel: iter(()))
    with pytest.raises(MissingError, match="neither pip nor uv"):
        models.path("one")
    assert not leftovers(cache)


def test_offline_refuses_and_names_the_command(cache: Path, links: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *one_and_two())
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    with pytest.raises(MissingError, match="offline") as refused:
        models.path("one")
    assert "mien models pull one" in refused.value.hint


@pytest.mark.usefixtures("by_uv")
def test_offline_uses_what_is_here(cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *one_and_two())
    models.pull()
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    assert models.path("one").read_bytes() == ONE
    assert models.pull() == ()


def test_others_are_fetched_by_command_only(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, entry("mine", ONE, "user:", embedded=False))
    with pytest.raises(MissingError) as refused:
        models.path("mine")
    assert refused.value.hint == "mien models pull mine --from FILE"
    with pytest.raises(MissingError, match="a file that you have"):
        models.pull(["mine"])
    with pytest.raises(UsageError, match="no model file called 'other'"):
        models.path("other")


def test_a_file_of_the_users(cache: Path, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, entry("mine", ONE, "user:", embedded=False))
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(ONE)
    bad.write_bytes(TWO)
    for wrong in (bad, tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match=str(wrong)):
            models.pull(["mine"], from_file=wrong)
    models.pull(["mine"], from_file=good)
    assert models.path("mine").read_bytes() == ONE
    assert good.exists()
    with pytest.raises(UsageError, match="one model only"):
        models.pull(["mine", "mine"], from_file=good)


@pytest.mark.usefixtures("by_uv")
def test_damage_is_found_and_mended(cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *one_and_two())
    file = models.path("one")
    about = file.stat()
    file.write_bytes(b"ONE" * 1000)  # same length, later time: noticed on load
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert models.cached("one") is None
    assert models.path("one").read_bytes() == ONE
    about = models.path("one").stat()
    file.write_bytes(b"ONE" * 1000)  # same length and time: only a full check can notice
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert models.verify(["one", "two"]) == {"one": "damaged", "two": "ok"}
    file.unlink()
    assert models.verify(["one"]) == {"one": "missing"}


@pytest.mark.usefixtures("by_uv")
def test_verify_remembers_the_fault_of_a_file(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *one_and_two())
    file = models.path("one")
    about = file.stat()
    file.write_bytes(b"ONE" * 1000)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert models.verify(["one"]) == {"one": "damaged"}
    assert models.path("one").read_bytes() == ONE


@pytest.mark.usefixtures("by_uv")
def test_debris_of_a_killed_process_is_cleared(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *one_and_two())
    (cache / "models/.fetch-dead").mkdir(parents=True)
    (cache / "models/.fetch-dead/0.part").write_bytes(b"half")
    models.pull()
    assert not leftovers(cache)


def test_a_file_in_the_way_of_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, *one_and_two())
    cache.write_bytes(b"")
    with pytest.raises(OutputError, match="MIEN_CACHE_DIR"):
        models.path("one")


_PULL = """
import sys
from mien import fetch, models
from tests.root.test_models import one_and_two
table = {m.name: m for m in one_and_two()}
models.catalogue = lambda: table
print(len(models.path("two").read_bytes()))
"""


def test_processes_that_ask_at_once_download_once(cache: Path, links: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PULL], env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=120) for process in running]
    assert [out.strip() for out, _ in ended] == [str(len(TWO))] * 3
    assert sum(err.count("Fetching two") for _, err in ended) == 1
    assert not leftovers(cache)


class _Server(http.server.BaseHTTPRequestHandler):
    """Serves ONE under any path that ends in /one.bin, and misbehaves where asked to."""

    def do_GET(self) -> None:
        if "away" in self.path:
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname" if "file" in self.path else "ftp://127.0.0.1/x")
            self.end_headers()
            return
        if not self.path.endswith("/one.bin"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(ONE)))
        self.end_headers()
        self.wfile.write(ONE[:100] if "short" in self.path else ONE)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_hub_file_comes_through_the_mirror_that_is_named(
    cache: Path, told: list[str], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server)
    use(monkeypatch, entry("one", ONE, "hf:owner/repo/sub/one.bin@main", embedded=False))
    models.pull(["one"])
    assert models.path("one").read_bytes() == ONE
    assert "hf:owner/repo/sub/one.bin@main" in told[0]


@pytest.mark.parametrize("place", ["/short/one.bin", "/absent", "/away-file", "/away"])
def test_what_a_server_does_wrong_is_told_and_leaves_nothing(
    place: str, cache: Path, told: list[str], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, entry("one", ONE, f"{server}{place}", embedded=False))
    with pytest.raises(MienError) as failed:
        models.pull(["one"])
    assert isinstance(failed.value, NetworkError | InputError)
    assert not leftovers(cache)
    assert models.cached("one") is None


@pytest.mark.parametrize("address", ["http://example.org/one.bin", "ftp://127.0.0.1/one.bin", "data:,x", "hf:x@y"])
def test_only_safe_addresses_are_opened(
    address: str, cache: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, entry("one", ONE, address, embedded=False))
    with pytest.raises(InputError, match=r"not an https address|not a hub source"):
        models.pull(["one"])


def test_a_file_source_works_offline(
    cache: Path, told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.bin").write_bytes(ONE)
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    use(monkeypatch, entry("one", ONE, f"file:{tmp_path / 'one.bin'}", embedded=False))
    models.pull(["one"])
    assert models.path("one").read_bytes() == ONE


def test_a_record_that_is_not_json_costs_one_hash(
    cache: Path, links: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, *one_and_two())
    record = models.path("one").with_name("checked.json")
    record.write_bytes(b"\xff{")
    assert models.path("one").read_bytes() == ONE
    assert json.loads(record.read_bytes())["size"] == len(ONE)
