"""Avatars survive the way to disk and back, and nothing that claims to be one can do harm."""

from __future__ import annotations

import io
import json
import stat
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.portrait.kit import same_avatar, tiny_avatar

from mien.avatar import Avatar
from mien.errors import InputError, MienError, MissingError, OutputError, UsageError
from mien.portrait.store import bundle
from mien.portrait.store.manifest import check_name, from_json, name_of

Members = dict[str, bytes]


def from_members(members: Members) -> Avatar:
    def reader(name: str, limit: int) -> bytes:
        if name not in members:
            raise InputError(name)
        return members[name][: limit + 1]

    return bundle.read(reader)


def archive(members: Members, *, mode: int = stat.S_IFREG | 0o644) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            file.writestr(entry, content)
    return out


def edited(change: Callable[[dict[str, Any]], object]) -> Members:
    members = bundle.members(tiny_avatar())
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    return members | {"manifest.json": json.dumps(manifest).encode()}


def test_folder_and_archive_give_the_same_avatar(tmp_path: Path) -> None:
    avatar = tiny_avatar("面")
    bundle.save(avatar, tmp_path / "a")
    bundle.export(avatar, tmp_path / "a.mien")
    for path in (tmp_path / "a", tmp_path / "a.mien"):
        loaded = bundle.load(path)
        assert same_avatar(loaded, avatar)
        assert loaded.manifest == avatar.manifest
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "a.mien"]


def test_same_avatar_same_bytes(tmp_path: Path) -> None:
    for name in ("one.mien", "two.mien"):
        bundle.export(tiny_avatar(), tmp_path / name)
    assert (tmp_path / "one.mien").read_bytes() == (tmp_path / "two.mien").read_bytes()


def test_files_are_little_endian_and_as_the_manifest_says(tmp_path: Path) -> None:
    avatar = tiny_avatar()
    big_endian = replace_array(avatar, "vertices", avatar.arrays["vertices"].astype(">f4"))
    bundle.save(big_endian, tmp_path / "a")
    about = json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))["arrays"]["vertices"]
    raw = np.frombuffer((tmp_path / "a" / about["file"]).read_bytes(), "<f4").reshape(about["shape"])
    assert about["dtype"] == "float32" and np.array_equal(raw, avatar.arrays["vertices"])
    assert same_avatar(bundle.load(tmp_path / "a"), avatar)


def replace_array(avatar: Avatar, name: str, array: np.ndarray[Any, Any]) -> Avatar:
    return Avatar(avatar.manifest, {**avatar.arrays, name: array}, avatar.textures)


def test_saving_replaces_what_was_there(tmp_path: Path) -> None:
    bundle.save(tiny_avatar(seed=1), tmp_path / "a")
    (tmp_path / "a" / "stale.txt").write_text("old")
    bundle.save(tiny_avatar(seed=2), tmp_path / "a")
    assert same_avatar(bundle.load(tmp_path / "a"), tiny_avatar(seed=2))
    assert not (tmp_path / "a" / "stale.txt").exists()


def test_two_writers_at_once_leave_one_whole_avatar(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def write(seed: int) -> None:
        try:
            for _ in range(8):
                bundle.save(tiny_avatar(seed=seed), tmp_path / "a")
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert any(same_avatar(bundle.load(tmp_path / "a"), tiny_avatar(seed=s)) for s in (1, 2, 3))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        bundle.save(tiny_avatar(), tmp_path / "file" / "a")
    with pytest.raises(OutputError, match="folder"):
        bundle.export(tiny_avatar(), tmp_path)
    with pytest.raises(OutputError):
        bundle.export(tiny_avatar(), tmp_path / "none" / "a.mien")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_nothing_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        bundle.load(tmp_path / "nobody")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"manifest\.json"):
        bundle.load(tmp_path / "empty")


EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "future version": (lambda m: m.update(schema_version=2), "Update Mien"),
    "no version": (lambda m: m.pop("schema_version"), "version"),
    "boolean version": (lambda m: m.update(schema_version=True), "version"),
    "name is a path": (lambda m: m.update(name="../../etc"), "name"),
    "name is a number": (lambda m: m.update(name=7), "name"),
    "array path escapes": (lambda m: m["arrays"]["uv"].update(file="../uv.bin"), "stored as"),
    "array path is absolute": (lambda m: m["arrays"]["uv"].update(file="/etc/passwd"), "stored as"),
    "array name escapes": (lambda m: m["arrays"].update({"../x": m["arrays"]["uv"]}), "characters"),
    "pickled type": (lambda m: m["arrays"]["uv"].update(dtype="object"), "element type"),
    "other type": (lambda m: m["arrays"]["uv"].update(dtype="int32"), "type or shape"),
    "negative shape": (lambda m: m["arrays"]["uv"].update(shape=[-6, -2]), "shape"),
    "huge shape": (lambda m: m["arrays"]["uv"].update(shape=[1 << 27, 2]), "64 MB"),
    "wrong shape": (lambda m: m["arrays"]["uv"].update(shape=[2, 6]), "type or shape"),
    "longer array": (lambda m: m["arrays"]["uv"].update(shape=[7, 2]), "bytes where"),
    "array missing": (lambda m: m["arrays"].pop("shapes"), "lacks the array 'shapes'"),
    "texture missing": (lambda m: m["textures"].pop("matte"), "matte"),
    "texture size lies": (lambda m: m["textures"]["color"].update(width=10, height=12), "PNG that the manifest"),
    "texture too large": (lambda m: m["textures"]["color"].update(width=20_000), "size"),
    "too many arrays": (lambda m: m["arrays"].update({f"a{i}": {} for i in range(100)}), "more than 64"),
    "head without axes": (lambda m: m["head"].pop("axes"), "axes"),
    "skewed axes": (lambda m: m["head"]["axes"][0].__setitem__(1, 0.5), "right angles"),
    "head far away": (lambda m: m["head"]["origin"].__setitem__(0, 1e9), "outside"),
    "no eye distance": (lambda m: m["head"].update(eye_distance=0), "eye distance"),
    "hash is no hash": (lambda m: m["source"].update(sha256="x"), "SHA-256"),
    "box outside": (lambda m: m["source"].update(box=[0, 0, 99, 20]), "outside"),
    "deep": (lambda m: m["extra"].update(a=[[[[[[[[[[[[[[1]]]]]]]]]]]]]]), "deeply"),
    "long text": (lambda m: m.update(licence="x" * 5000), "too long"),
    "eye outside": (lambda m: m["extra"]["eyes"]["Left"].update(box=[9, 2, 4, 3]), "outside"),
    "eye of another size": (lambda m: m["extra"]["eyes"]["Left"].update(box=[1, 2, 3, 3]), "eye_Left"),
    "no eyes": (lambda m: m["extra"].pop("eyes"), "eyes"),
    "pivot is a word": (lambda m: m["extra"].update(pivot="neck"), "pivot"),
    "sprite nowhere": (lambda m: m["extra"]["mouth"]["boxes"].pop("tongue"), "tongue"),
    "sprite of a mile": (lambda m: m["extra"]["mouth"].update(density=1e9), "density"),
    "unknown shading": (lambda m: m["extra"]["shading"].update(shapes=["jawOpen", "wings"]), "shading"),
    "lips missing": (lambda m: m["arrays"].pop("upper_lip"), "upper_lip"),
    "limits not words": (lambda m: m["limits"].update(jawOpen=3), "text"),
}


@pytest.mark.parametrize("name", EDITS)
def test_manifests_that_lie_are_refused(name: str) -> None:
    change, words = EDITS[name]
    with pytest.raises(InputError) as caught:
        from_members(edited(change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{", b'{"schema_version": 1}', b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b"x" * (1 << 21)],
)
def test_manifests_that_are_none(text: bytes) -> None:
    with pytest.raises(InputError):
        from_json(text)


def test_arrays_with_impossible_values_are_refused() -> None:
    members = bundle.members(tiny_avatar())
    for name, values, words in (
        ("triangles", np.array([[0, 1, 6], [3, 4, 5]], np.int32), "do not exist"),
        ("triangles", np.array([[0, 1, -1], [3, 4, 5]], np.int32), "do not exist"),
        ("rest", np.full((6, 3), np.nan, np.float32), "not numbers"),
        ("rest", np.full((6, 3), 1e9, np.float32), "out of range"),
    ):
        with pytest.raises(InputError, match=words):
            from_members(members | {f"arrays/{name}.bin": values.tobytes()})


def test_textures_that_are_no_pngs_are_refused() -> None:
    members = bundle.members(tiny_avatar())
    png = members["textures/color.png"]
    bomb = png[:16] + struct.pack(">II", 12, 10) + png[24:33] + b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    for content in (b"", png[:40], png[:-12], b"GIF89a" + png, png[:50] + b"\0" + png[51:], bomb):
        with pytest.raises(InputError):
            from_members(members | {"textures/color.png": content})


def test_archives_that_lead_outside_are_refused() -> None:
    members = bundle.members(tiny_avatar())
    for name in ("../evil", "/etc/evil", "arrays/../../evil", "a\\..\\evil"):
        with pytest.raises(InputError, match="leads out"):
            bundle.load_archive(archive(members | {name: b"x"}))
    with pytest.raises(InputError, match="link"):
        bundle.load_archive(archive(members, mode=stat.S_IFLNK | 0o777))


def test_archive_bombs_are_refused_quickly() -> None:
    members = bundle.members(tiny_avatar())
    members["arrays/uv.bin"] = b"\0" * (64 << 20)
    begin = time.process_time()
    with pytest.raises(InputError, match="larger"):
        bundle.load_archive(archive(members))
    with pytest.raises(InputError, match="too many"):
        bundle.load_archive(archive({f"f{i}": b"" for i in range(1000)}))
    assert time.process_time() - begin < 3


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    bundle.save(tiny_avatar(), tmp_path / "a")
    secret = tmp_path / "secret"
    secret.write_bytes((tmp_path / "a" / "arrays" / "uv.bin").read_bytes())
    (tmp_path / "a" / "arrays" / "uv.bin").unlink()
    (tmp_path / "a" / "arrays" / "uv.bin").symlink_to(secret)
    with pytest.raises(InputError, match="regular"):
        bundle.load(tmp_path / "a")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.mien"
    for content in (b"", b"PK\x03\x04", b"hello" * 100, b"PK\x05\x06" + b"\0" * 18):
        file.write_bytes(content)
        with pytest.raises(InputError):
            bundle.load(file)


@settings(max_examples=150, deadline=2000)
@given(flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_of_an_archive_give_a_refusal_or_a_valid_avatar(flips: list[tuple[int, int]]) -> None:
    data = bytearray(archive(bundle.members(tiny_avatar())).getvalue())
    for place, change in flips:
        data[place % len(data)] ^= change
    try:
        avatar = bundle.load_archive(io.BytesIO(bytes(data)))
    except MienError:
        return
    assert avatar.arrays["shapes"].shape == (52, 6, 3)


MEMBERS = bundle.members(tiny_avatar())


@settings(max_examples=250, deadline=2000)
@given(
    name=st.sampled_from(sorted(MEMBERS)),
    place=st.integers(0, 1 << 20),
    change=st.integers(1, 255),
    cut=st.integers(0, 1 << 20),
    truncated=st.booleans(),
)
def test_flipped_bytes_of_a_member_give_a_refusal_or_a_valid_avatar(
    name: str, place: int, change: int, cut: int, truncated: bool
) -> None:
    data = bytearray(MEMBERS[name])
    data[place % len(data)] ^= change
    content = bytes(data[: cut % len(data)] if truncated else data)
    try:
        avatar = from_members(MEMBERS | {name: content})
    except MienError:
        return
    assert int(avatar.arrays["triangles"].max()) < len(avatar.arrays["vertices"])
    assert avatar.textures["matte"].shape == avatar.textures["color"].shape[:2]


@given(st.text(max_size=80))
def test_names_are_safe_folder_names_or_refused(text: str) -> None:
    try:
        name = check_name(text)
    except UsageError:
        return
    assert check_name(name) == name
    assert name == "" or Path("/home", name).parent == Path("/home")
    assert name not in (".", "..") and "\0" not in name


@given(st.text(max_size=300))
def test_any_file_name_makes_a_name(text: str) -> None:
    assert check_name(name_of(text)) == name_of(text)
    assert name_of(f"a{text}")


def test_a_file_keeps_its_own_name_where_it_can() -> None:
    assert name_of("Ada Lovelace, 1840") == "Ada Lovelace, 1840"
    assert name_of("12:30 portrait") == "12-30 portrait"
    assert name_of("人" * 100) == "人" * 64


def test_loading_is_fast(tmp_path: Path) -> None:
    """A cached avatar of a 512² portrait opens in a fraction of what the film path may spend on it (150 ms)."""
    avatar, random = tiny_avatar(), np.random.default_rng(0)
    smooth = np.repeat(np.repeat(random.integers(0, 256, (64, 64, 3), dtype=np.uint8), 8, 0), 8, 1)
    large = dict.fromkeys(("color", "foreground", "plate"), smooth)
    textures = {**avatar.textures, **large, "matte": smooth[..., 0]}
    manifest = replace(avatar.manifest, source=replace(avatar.manifest.source, width=512, height=512))
    bundle.save(Avatar(manifest, avatar.arrays, textures), tmp_path / "a")
    begin = time.process_time()
    bundle.load(tmp_path / "a")
    assert time.process_time() - begin < 0.5
