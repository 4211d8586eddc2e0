"""What every check of scripts must do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien import plugins
from mien.apps.trust.moderate.base import Moderator, Verdict
from mien.config import TrustConfig
from mien.errors import MienError

NAMES = plugins.available("moderate")


@pytest.fixture(params=NAMES)
def moderator(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moderator:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = TrustConfig(moderation=str(request.param), moderation_url="http://127.0.0.1:9/v1")
    made: Moderator = plugins.load("moderate", str(request.param))(settings)
    return made


def test_all_that_are_promised_are_here() -> None:
    assert {"words", "openai"} <= set(NAMES)


def test_what_leaves_is_told_in_a_sentence(moderator: Moderator) -> None:
    assert moderator.leaves == "" or moderator.leaves.endswith(".")


@pytest.mark.parametrize("text", ["", "Hello.", "你好。", "\ud83d\ude00 \u200b", "word " * 2000])
def test_a_text_gets_a_verdict_or_one_sentence_why_not(moderator: Moderator, text: str) -> None:
    try:
        verdict = moderator.check(text.encode("utf-16", "surrogatepass").decode("utf-16"))
    except MienError as error:
        assert error.message.endswith(".")
    else:
        assert isinstance(verdict, Verdict) and verdict.reasons == ()
