"""Video files are read for their films: not their covers, and not what they name."""

from __future__ import annotations

from pathlib import Path

import av.error
import numpy as np
import pytest
from tests.root.films import grey, upside_down, with_cover_first, written

from mien.footage import moving, open_file, upright


def test_a_cover_is_no_film_also_where_it_comes_first(tmp_path: Path) -> None:
    path = with_cover_first(written(tmp_path / "a.mp4", [grey(40)] * 3), grey(250))
    with open_file(path) as file:
        assert [stream.codec_context.name for stream in file.streams.video] == ["png", "h264"]
        (film,) = moving(file)
        pictures = [upright(frame) for frame in file.decode(film)]
    assert len(pictures) == 3 and all(np.abs(p.astype(int) - 40).max() <= 3 for p in pictures)


def test_pictures_stand_as_they_were_filmed(tmp_path: Path) -> None:
    picture = grey(20)
    picture[:24] = 200
    with open_file(upside_down(written(tmp_path / "a.mp4", [picture]))) as file:
        (shown,) = (upright(frame) for frame in file.decode(moving(file)[0]))
    assert shown[:20].max() < 60 and shown[28:].min() > 160


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")
    with pytest.raises((OSError, av.error.FFmpegError)):
        open_file(tmp_path / "a.m3u8")
