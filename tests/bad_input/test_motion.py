"""Anything at all given to ``mien motion``: refused in one sentence, and nothing is left."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bad_input.conftest import check_refusal

from mien.apps import cli

VALUES = st.text(max_size=12) | st.sampled_from(["0", "-1", "1e9", "nan", "inf", "30", "auto", "a.wav", "a.csv", "-"])
OPTIONS = st.sampled_from(
    [
        "--fps", "--sound", "--transcript", "--denoise", "--vad", "--from-video", "--text-file", "--language",
        "--voice", "--rate", "--pitch", "--lexicon", "--emotion", "--face-driver", "--style", "--lip-strength",
        "--seed", "--voice-expression",
    ]
)  # fmt: skip
SOURCES = st.sampled_from(["none.wav", "none.csv", "none.JSON", "none", "pcm:x", "pcm:s16le:1:1:none"]) | st.text(
    st.characters(exclude_characters="-/\0"), min_size=1, max_size=8
)
TARGETS = st.sampled_from(["take.csv", "take.glb", "take.vmd", "take.mp3", "take", "no/take.csv", "."])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=SOURCES, target=TARGETS, options=st.lists(st.tuples(OPTIONS, VALUES), max_size=2))
def test_anything_is_refused_in_one_sentence(
    source: str, target: str, options: list[tuple[str, str]], tmp_path: Path
) -> None:
    """No source is there, so no motion can come of it, whatever the rest says."""
    words = [
        "motion",
        *(w for pair in options for w in pair),
        "-o",
        str(tmp_path / target),
        "--",
        str(tmp_path / source),
    ]
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        status = cli.main(words)
    assert status in (2, 3, 4, 5), said.getvalue()
    check_refusal(printed.getvalue(), said.getvalue())
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), name=st.sampled_from(["take.csv", "take.json", "take.wav", "take.mp4"]))
def test_any_bytes_as_a_source(data: bytes, name: str, tmp_path: Path) -> None:
    source, target = tmp_path / name, tmp_path / "out.glb"
    source.write_bytes(data)
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        status = cli.main(["motion", str(source), "-o", str(target)])
    assert status == 3, said.getvalue()
    check_refusal(printed.getvalue(), said.getvalue())
    assert [p.name for p in tmp_path.iterdir()] == [name]
    source.unlink()
