"""What a file says of itself, and who signed that."""

from __future__ import annotations

import json
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.stage.watermark.kit import busy

from mien.apps.cli import main
from mien.apps.trust import statements
from mien.apps.trust.verify import verify
from mien.errors import InputError, UsageError
from mien.stage.label import Label
from mien.stage.watermark.embed import Watermark
from mien.transmit.provenance.identity import SELF_MADE, identity
from mien.transmit.provenance.sign import SOURCE_TYPE, STATEMENT, check_format, manifest, sign


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(picture: Any, name: str = "picture.png") -> Path:
    cv2.imwrite(name, picture[..., ::-1])
    return Path(name)


def film(name: str = "film.mp4") -> Path:
    import av

    with av.open(name, "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for k in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(busy(k, 256, 256), format="rgb24")))
        out.mux(stream.encode(None))
    return Path(name)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["verify", *words, "--json"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_plain_picture_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    status, said = told(capsys, str(save(busy())))
    found = said[-1]
    assert status == 0 and found["made"] is False and found["credentials"] is None and found["label"] == ""
    assert [(mark["found"], mark["payload"]) for mark in found["watermarks"]] == [(False, None)]
    assert main(["verify", "picture.png"]) == 0
    assert "proves nothing" in capsys.readouterr().out


def test_marks_by_the_public_and_by_a_secret_key(homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (homes / "key.txt").write_text("  a secret\n", "utf-8")
    public, secret = save(Watermark(11)(0, busy()), "a.png"), save(Watermark(12, "a secret")(0, busy()), "b.png")
    status, said = told(capsys, str(public), str(secret), "--key-file", "key.txt")
    assert status == 0 and [found["made"] for found in said] == [True, True]
    assert [[mark["payload"] for mark in found["watermarks"]] for found in said] == [[11, None], [None, 12]]


@pytest.mark.parametrize("words", ["AI-generated", "AI 生成"])
def test_a_label_in_the_corner_is_seen(words: str) -> None:
    picture = busy(3, 480, 640)
    Label(words).draw(picture)
    assert verify(save(picture)).label == words


def test_a_signed_film_is_read_by_the_reference_implementation(homes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    c2pa = pytest.importorskip("c2pa")
    file = film()
    sign(file, identity("", ""), watermark=77)
    with c2pa.Reader(str(file)) as reader:
        assert reader.get_validation_state() == "Valid"
        manifest = json.loads(reader.json())
    active = manifest["manifests"][manifest["active_manifest"]]
    actions = next(a for a in active["assertions"] if a["label"].startswith("c2pa.actions"))["data"]["actions"]
    assert actions[0]["action"] == "c2pa.created" and actions[0]["digitalSourceType"] == SOURCE_TYPE
    assert actions[0]["description"] == STATEMENT and "77" in actions[1]["description"]
    status, said = told(capsys, str(file))
    stated = said[-1]["credentials"]
    assert status == 0 and said[-1]["made"] is True and stated["state"] == "valid" and stated["self_made"] is True
    assert stated["signer"] == SELF_MADE and STATEMENT in stated["words"] and stated["faults"] == []
    assert main(["verify", str(file)]) == 0
    assert "no list vouches for" in capsys.readouterr().out


def test_who_trusts_an_authority_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    own = identity("", "")
    file = save(busy(1, 64, 64))
    sign(file, own)
    issuer = own.certificates.decode().split("-----END CERTIFICATE-----\n")[1] + "-----END CERTIFICATE-----\n"
    Path("list.pem").write_text(issuer)
    assert told(capsys, str(file), "--trust-list", "list.pem")[1][-1]["credentials"]["state"] == "trusted"
    assert told(capsys, str(file))[1][-1]["credentials"]["state"] == "valid"
    Path("list.pem").write_text("no list")
    assert told(capsys, str(file), "--trust-list", "list.pem")[0] == 3


def test_a_manifest_elsewhere_is_not_fetched() -> None:
    import c2pa

    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    own, file = identity("", ""), save(busy(1, 64, 64))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        builder = c2pa.Builder(json.dumps(manifest("x", "image/png", None)))
        builder.set_no_embed()
        builder.set_remote_url(f"http://127.0.0.1:{server.server_port}/manifest.c2pa")
        signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", own.certificates, own.private_key, None))
        builder.sign_file(str(file), "remote.png", signer)
        assert b"manifest.c2pa" in Path("remote.png").read_bytes()
        stated = statements.read(Path("remote.png"))
        server.shutdown()
    assert asked == [] and (stated is None or stated.state == "invalid")


def test_what_was_changed_after_signing_is_told() -> None:
    file = film()
    sign(file, identity("", ""))
    data = bytearray(file.read_bytes())
    place = data.rindex(b"mdat") + 200
    data[place] ^= 0xFF
    file.write_bytes(data)
    stated = statements.read(file)
    assert stated is not None and stated.state == "invalid" and stated.faults


def test_what_strangers_write_is_shown_without_what_terminals_act_on() -> None:
    told = {
        "active_manifest": "a", "validation_state": "Valid",
        "manifests": {"a": {
            "claim_generator_info": [{"name": "Pro\x1b[2Jgram", "version": "1" * 9999}],
            "signature_info": {"common_name": "A\u202e\nB", "issuer": "C\x07"},
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [{"description": "x\x1b]0;y\x07"}]}}],
        }},
    }  # fmt: skip
    said = statements._statement(told)
    shown = (said.made_by, said.signer, said.issuer, *said.words)
    assert all(text.isprintable() and len(text) <= 300 for text in shown)
    assert said.signer == "A B" and said.words == ("x ]0;y",)


def test_a_film_that_does_not_say_how_long_it_is_is_looked_at_in_part(homes: Path) -> None:
    import av

    from mien.apps.trust.reading import gather

    with av.open("raw.m4v", "w", format="m4v") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for k in range(60):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 2 * k, np.uint8))))
        out.mux(stream.encode())
    assert gather(Path("raw.m4v"), 4).pictures == 16


def test_the_self_made_key_is_made_once_and_for_its_owner_alone(homes: Path) -> None:
    first, again = identity("", ""), identity("", "")
    assert first == again and first.self_made and first.algorithm == "es256"
    kept = homes / "data" / "provenance" / "self-made.pem"
    assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0


def test_ones_own_certificate_signs(homes: Path) -> None:
    own = identity("", "")
    Path("chain.pem").write_bytes(own.certificates)
    Path("key.pem").write_bytes(own.private_key)
    given = identity("chain.pem", "key.pem")
    assert not given.self_made and given.certificates == own.certificates
    file = save(busy(1, 64, 64))
    sign(file, given)
    assert statements.read(file) is not None


def test_wrong_certificates_are_refused(homes: Path) -> None:
    own = identity("", "")
    Path("chain.pem").write_bytes(own.certificates)
    Path("key.pem").write_bytes(own.private_key)
    (homes / "data" / "provenance" / "self-made.pem").unlink()
    Path("other.pem").write_bytes(identity("", "").private_key)
    Path("text.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="go together"):
        identity("chain.pem", "")
    for chain, key, sentence in [
        ("chain.pem", "other.pem", "does not belong"),
        ("text.pem", "key.pem", "not PEM"),
        ("chain.pem", "text.pem", "not PEM"),
        ("missing.pem", "key.pem", "cannot be read"),
    ]:
        with pytest.raises(InputError, match=sentence):
            identity(chain, key)


def test_files_that_hold_none_are_refused_before_work() -> None:
    for ending in (".webm", ".mkv"):
        with pytest.raises(UsageError, match="hold no Content Credentials"):
            check_format(ending)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\0" * 4000])
@pytest.mark.parametrize("name", ["bad.png", "bad.mp4", "bad"])
def test_what_is_no_picture_is_one_sentence(name: str, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_bytes(content)
    status, said = told(capsys, name)
    assert status == 3 and said[-1]["event"] == "error"
    assert told(capsys, "missing.mp4")[0] == 3


def test_labels_stay_in_small_and_transparent_pictures() -> None:
    for width, height in ((16, 16), (64, 400), (3, 3)):
        picture = np.zeros((height, width, 3), np.uint8)
        Label("AI-generated").draw(picture)
    clear = np.zeros((240, 320, 4), np.uint8)
    Label("AI-generated").draw(clear)
    assert clear[..., 3].max() > 100 and not clear[:100].any()
