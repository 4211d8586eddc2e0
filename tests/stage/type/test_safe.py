"""What platforms leave free."""

from __future__ import annotations

import pytest

from mien.errors import UsageError
from mien.stage.type.safe import PLATFORMS, safe_area


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (512, 512), (2160, 3840)])
def test_what_is_free_lies_in_the_film_and_has_room(platform: str, size: tuple[int, int]) -> None:
    area = safe_area(platform, *size)
    assert 0 < area.left < area.right < size[0] and 0 < area.top < area.bottom < size[1]
    assert area.width >= 0.7 * size[0] and area.height >= 0.5 * size[1]


def test_figures_of_the_platforms() -> None:
    """Meta: 14, 35 and 6 %; TikTok: 150, 440, 60 and 150 pixels."""
    reels = safe_area("reels", 1080, 1920)
    assert (reels.top, 1920 - reels.bottom, reels.left) == (269, 672, 65)
    tiktok = safe_area("tiktok", 1080, 1920)
    assert tiktok.top >= 150 and 1920 - tiktok.bottom >= 440 and tiktok.left >= 60 and 1080 - tiktok.right >= 150
    assert all(margins.source for margins in PLATFORMS.values())


def test_a_lying_film_on_a_phone_loses_only_its_edges() -> None:
    assert safe_area("tiktok", 1920, 1080) == safe_area("none", 1920, 1080)


def test_an_unknown_platform() -> None:
    with pytest.raises(UsageError, match="'vine' is not a platform") as refused:
        safe_area("vine", 1080, 1920)
    assert "bilibili" in refused.value.hint
