"""Anything at all on the command line, in a rate, a name or a film: understood, or refused in one sentence."""

from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bad_input.conftest import check_refusal

from mien.apps import cli
from mien.errors import InputError, MienError, UsageError
from mien.lab.evaluate.decode import film_facts, sound_of
from mien.timeline import parse_fps
from mien.transmit.open import parse_output

VALUES = st.text(max_size=12) | st.sampled_from(["0", "-1", "1e9", "nan", "inf", "512", "16:9", "auto", "25", "#fff"])
OPTIONS = st.sampled_from(
    [
        "--size", "--aspect", "--fps", "--preset", "--background", "--encoder", "--captions", "--motion", "--trace",
        "--rate", "--pitch", "--volume", "--seed", "--style", "--emotion", "--lip-strength", "--smoothing", "--face",
        "--crop", "--language", "--voice", "--lexicon", "--text",
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=st.lists(st.tuples(OPTIONS, VALUES), max_size=3))
def test_any_options_are_refused_in_one_sentence(options: list[tuple[str, str]], tmp_path: Path) -> None:
    """The portrait is not there, so no film can come of it, whatever the rest says."""
    arguments = ["make", "-p", str(tmp_path / "none.jpg"), "-t", "Hello.", "-o", str(tmp_path / "film.mp4")]
    printed, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        status = cli.main([*arguments, *(word for pair in options for word in pair)])
    assert status in (2, 3, 4, 5), said.getvalue()
    check_refusal(printed.getvalue(), said.getvalue())
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=12) | st.fractions().map(str) | st.floats().map(str))
def test_any_rate(text: str) -> None:
    try:
        rate = parse_fps(text)
    except UsageError:
        return
    assert isinstance(rate, Fraction)
    assert 1 <= rate <= 120


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=30) | st.text(max_size=12).map(lambda stem: stem + ".mp4"))
def test_any_output_name(text: str) -> None:
    with contextlib.suppress(MienError):
        parse_output(text)


@settings(max_examples=40, deadline=None)
@given(
    head=st.sampled_from([b"", b"\x00\x00\x00\x18ftypisom", b"\x1aE\xdf\xa3", b"RIFF"]), data=st.binary(max_size=300)
)
def test_any_bytes_as_a_film(head: bytes, data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    file.write_bytes(head + data)
    with pytest.raises(InputError):
        film_facts(file, sound_of(file)[0])
