"""Batch files: rows with their lines, every fault named before anything starts, keys that say what comes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.batches import rows, written

from mien.apps.cli import main
from mien.apps.jobs.batch import BadRows, read_batch, store_folder
from mien.apps.jobs.sheet import read_rows
from mien.apps.jobs.states import Wish
from mien.apps.jobs.work import Digests
from mien.errors import InputError, MienError


def wishes(file: Path) -> list[Wish]:
    return read_batch(file, Digests())


def one(folder: Path, picture: str, **changes: Any) -> Wish:
    job = rows(picture, ["Hi."])[0] | changes
    return wishes(written(folder, [{name: value for name, value in job.items() if value is not None}]))[0]


def sheet(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(tmp_path: Path, mark: str) -> None:
    text = '\ufeffid,text,size\na,"Hi, you;\r\ntwo\tlines.",64x64\n\n,Only this,\n'.replace(",", mark)
    text = text.replace(f"Hi{mark} you", "Hi, you")
    first, second = read_rows(sheet(tmp_path, "a.csv", text))
    assert first.values == {"id": "a", "text": "Hi, you;\ntwo\tlines.", "size": "64x64"} and first.line == 2
    assert second.values == {"text": "Only this"} and second.line == 5


def test_what_else_spreadsheets_write(tmp_path: Path) -> None:
    told = sheet(tmp_path, "a.csv", "sep=;\nID; text \n a ; Hi, you \n")
    assert [(row.line, row.values) for row in read_rows(told)] == [(3, {"ID": "a", "text": "Hi, you"})]
    (tmp_path / "b.csv").write_bytes("id,text\ra,你好。\r".encode("utf-16"))
    assert read_rows(tmp_path / "b.csv")[0].values == {"id": "a", "text": "你好。"}
    line = json.dumps({"id": "a", "text": "one\u2028two"}, ensure_ascii=False)
    assert read_rows(sheet(tmp_path, "a.jsonl", line))[0].values["text"] == "one\u2028two"


def test_json_lines_and_yaml(tmp_path: Path) -> None:
    lines = read_rows(
        sheet(tmp_path, "a.jsonl", '{"id": 1, "fallback": true}\n\n[1]\n{"a": {}}\nnonsense\n{"a":1,"a":2}')
    )
    assert [row.line for row in lines] == [1, 3, 4, 5, 6]
    assert lines[0].values == {"id": 1, "fallback": True}
    assert ["no object" in lines[1].fault, "'a' must be" in lines[2].fault, "not JSON" in lines[3].fault] == [True] * 3
    assert "twice" in lines[4].fault
    text = "defaults: {aspect: 16:9, size: 64}\njobs:\n  - {id: a, text: no}\n  - id: b\n    text: [1]\n"
    first, second = read_rows(sheet(tmp_path, "a.yaml", text))
    assert first.values == {"aspect": "16:9", "size": "64", "id": "a", "text": "no"} and first.line == 3
    assert second.line == 4 and "'text' must be" in second.fault
    assert read_rows(sheet(tmp_path, "b.yaml", "- id: a\n"))[0].values == {"id": "a"}


@pytest.mark.parametrize(
    "name, text, words",
    [
        ("a.txt", "x", "no batch file"),
        ("a.csv", "", "no columns"),
        ("a.csv", "id,text\n", "holds no jobs"),
        ("a.csv", "id,id\na,b\n", "'id' is there twice"),
        ("a.csv", 'id,text\na,"b\nb,c\nd,e\n', "line 2: a quote that is opened in this row is never closed"),
        ("a.csv", 'id,text\na,"b" c\n', "line 2: it is not CSV"),
        ("a.csv", f"id,text\na,{'x' * 1_100_000}", "line 2: a value of this row is longer than 1,000,000"),
        ("a.csv", "a,b\nc,d\n", "line 1: there is neither a column id nor a column output"),
        ("a.csv", "id,text\na,b\nc,d\0\n", "line 3: a zero byte"),
        ("a.jsonl", "\n\n", "holds no jobs"),
        ("a.yaml", "a: b: c", "a.yaml"),
        ("a.yaml", "just words", "a list of jobs"),
        ("a.yaml", "jobs: [{id: a}]\nother: 1", "a list of jobs"),
        ("a.yaml", "a: &a [x, x]\njobs: *b", "a.yaml"),
    ],
)
def test_files_that_are_no_batch(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(MienError, match=words):
        read_rows(sheet(tmp_path, name, text))


@pytest.mark.parametrize("cell, words", [("=A1&B1", "a formula"), ("#REF!", "not work it out"), ("b,c", "values")])
def test_cells_that_hold_no_value(tmp_path: Path, cell: str, words: str) -> None:
    good, bad = read_rows(sheet(tmp_path, "a.csv", f"id,text\na,=\nb,{cell}\n"))
    assert good.fault == "" and bad.line == 3 and words in bad.fault


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id,text\na,caf\xe9\n")
    with pytest.raises(InputError, match="line 2: it is not UTF-8"):
        read_rows(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes("id,text\na,hello\nb,你好，欢迎。\n".encode("gbk"))
    with pytest.raises(InputError, match="line 3: it is GBK text"):
        read_rows(tmp_path / "a.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_rows(tmp_path / "none.csv")
    with pytest.raises(InputError, match="folder"):
        (tmp_path / "b.csv").mkdir()
        read_rows(tmp_path / "b.csv")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"portrait": None}, "Who should speak"),
        ({"portrait": "none.jpg"}, "no portrait"),
        ({"avatar": "x"}, "Both a portrait and an avatar"),
        ({"portrait": None, "avatar": "nobody"}, "no avatar 'nobody'"),
        ({"portrait": None, "avatar": "x", "crop": "head"}, "Crop and face"),
        ({"text": None}, "What should be said"),
        ({"text": "  "}, "empty"),
        ({"text": "[loud]No such mark.[/loud]"}, "loud"),
        ({"audio": "x.wav"}, "Both text and audio"),
        ({"text": None, "audio": "none.wav"}, "none.wav"),
        ({"text": None, "audio": "-"}, "standard input"),
        ({"text": None, "text_file": "none.txt"}, "cannot be read"),
        ({"denoise": "on"}, "goes with a recording"),
        ({"output": "a.avi"}, "which kind of film"),
        ({"output": "a"}, "not the name of one file"),
        ({"output": "out/a_%05d.png"}, "not the name of one file"),
        ({"size": "9"}, "size"),
        ({"rate": 9}, "rate"),
        ({"face": "x"}, "face must be a whole number"),
        ({"face": -1}, "face must be a whole number"),
        ({"fps": "fast"}, "frame rate"),
        ({"background": "transparent"}, "transparent"),
        ({"background": "none.jpg"}, "neither a file nor a colour"),
        ({"captions": "xyz"}, "xyz"),
        ({"motion": "a.bvh"}, "bvh"),
        ({"preset": "ultra"}, "preset"),
        ({"priority": "high"}, "priority must be"),
        ({"review": "perhaps"}, "review must be yes or no"),
        ({"colour": "red"}, "no column 'colour'"),
        ({"template": "t.yaml"}, "no column 'template'"),
        ({"tell": "x"}, "no column 'tell'"),
        ({"id": ""}, "no id"),
        ({"id": "x" * 101}, "is no id"),
        ({"id": None, "output": None}, "neither an id nor an output"),
        ({"id": "../../x", "output": None}, "no name of a file"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, portrait: str, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRows, match=words) as refused:
        one(tmp_path, portrait, **({"id": " "} if changes == {"id": ""} else changes))
    assert "line 1" in str(refused.value)


def test_every_bad_row_is_named_and_nothing_starts(
    tmp_path: Path, portrait: str, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = rows(portrait, ["One.", "Two.", "Three.", "Four."])
    jobs[1]["size"], jobs[2]["id"], jobs[3]["output"] = "9", "j0", "out/j0.mp4"
    file = written(tmp_path, jobs)
    assert main(["batch", str(file), "--json"]) == 3
    printed = capsys.readouterr()
    events = [json.loads(line) for line in printed.out.splitlines()]
    bad = {event["line"]: event["message"] for event in events if event["event"] == "bad_row"}
    assert set(bad) == {2, 3, 4}
    assert "already that of line 1" in bad[3] and "already written by line 1" in bad[4]
    assert "3 of 4 rows" in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs.jsonl"], "not even a store"


def test_a_job_cannot_write_over_what_it_reads(tmp_path: Path, portrait: str) -> None:
    for output in ("jobs.jsonl", "face.mp4"):
        (tmp_path / "face.mp4").write_bytes(Path(portrait).read_bytes())
        with pytest.raises(BadRows):
            one(tmp_path, portrait, portrait="face.mp4", output=output)


def test_names_and_places(tmp_path: Path, portrait: str) -> None:
    made = one(tmp_path, portrait, id=None, output="new/folder/a.mp4", captions="both", motion="m/a.csv")
    assert made.id == "a" and made.line == 1
    assert made.targets == {
        "film": tmp_path / "new/folder/a.mp4", "srt": tmp_path / "new/folder/a.srt",
        "vtt": tmp_path / "new/folder/a.vtt", "motion": tmp_path / "m/a.csv",
    }  # fmt: skip
    assert not (tmp_path / "new").exists()
    assert one(tmp_path, portrait, output=None).targets["film"] == tmp_path / "j0.mp4"
    again = rows(portrait, ["Hi."])[0]
    spaced = {"Lip Strength": "0.5", "head-motion": 0.5, "id": "x", "portrait": portrait, "text": "Hi."}
    assert wishes(written(tmp_path, [spaced]))[0].arguments["settings"]["face"]["lip_strength"] == 0.5
    assert again["id"] == "j0"


def test_the_key_is_of_what_comes_out(tmp_path: Path, portrait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    face = tmp_path / "face.png"
    face.write_bytes(Path(portrait).read_bytes())
    key = one(tmp_path, str(face)).key
    assert key == one(tmp_path, str(face), id="other", output="else.mp4", priority=3).key, "names do not matter"
    assert key == one(tmp_path, portrait).key, "nor where a picture lies"
    different: list[dict[str, Any]] = [
        {"text": "Ho."},
        {"size": "66x66"},
        {"seed": 4},
        {"output": "a.webm"},
        {"captions": "both"},
        {"face": 1},
    ]
    keys = {one(tmp_path, str(face), **change).key for change in different}
    assert len(keys | {key}) == len(different) + 1
    monkeypatch.setenv("MIEN_FACE_HEAD_MOTION", "0.5")
    assert one(tmp_path, str(face)).key != key, "settings matter"
    monkeypatch.delenv("MIEN_FACE_HEAD_MOTION")
    for name, value in (("TRUST_MODERATION", "words"), ("VOICES_TIMEOUT", "9"), ("OFFLINE", "1")):
        monkeypatch.setenv(f"MIEN_{name}", value)
        assert one(tmp_path, str(face)).key == key, "but not those that change no film"
    face.write_bytes(face.read_bytes() + b"\0")
    assert one(tmp_path, str(face)).key != key, "and what is in the files"


def test_check_only(tmp_path: Path, portrait: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, rows(portrait, ["One.", "Two."]))
    assert main(["batch", str(file), "--check"]) == 0
    assert "2 jobs" in capsys.readouterr().out and not store_folder(file).exists()
