"""Numbers as Mandarin says them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.dialogue.speak.mandarin import cardinal, respell


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "零"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("105", "一百零五"), ("110", "一百一十"),
        ("115", "一百一十五"), ("1001", "一千零一"), ("1010", "一千零一十"), ("2024", "两千零二十四"),
        ("10005", "一万零五"),
        ("22000", "两万两千"), ("100001", "十万零一"), ("100000000", "一亿"), ("100010000", "一亿零一万"),
        ("1000000005", "十亿零五"), ("123456789", "一亿两千三百四十五万六千七百八十九"), ("3.05", "三点零五"),
        ("1,234", "一千两百三十四"),
    ],
)  # fmt: skip
def test_cardinals(number: str, said: str) -> None:
    assert cardinal(number).replace("两百", "二百") == said.replace("两百", "二百")


_VALUES = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8, "兆": 10**12}


def _value(said: str) -> int:
    """Read Chinese numerals back: an independent way to check."""
    total = section = digit = 0
    for c in said:
        if c in _VALUES:
            digit = _VALUES[c]
        elif _UNITS[c] < 10_000:
            section += (digit or 1) * _UNITS[c]
            digit = 0
        else:
            total += (section + digit) * _UNITS[c]
            section = digit = 0
    return total + section + digit


@given(st.integers(0, 10**16 - 1))
def test_cardinals_read_back(value: int) -> None:
    assert _value(cardinal(str(value))) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024年10月1日", "二零二四年十月一日"),
        ("10:30见", "十点半见"),
        ("10:05", "十点零五分"),
        ("涨了3.5%", "涨了百分之三点五"),
        ("-5℃", "零下五摄氏度"),
        ("今天-5°C", "今天零下五摄氏度"),
        ("¥105", "一百零五元"),
        ("$3.5万", "三点五万美元"),
        ("1/2", "二分之一"),
        ("3-5天", "三到五天"),
        ("2个", "两个"),
        ("第2个", "第二个"),
        ("电话010-8888-6666", "电话零一零八八八八六六六六"),
        ("13812345678", "一三八一二三四五六七八"),
        ("90后", "九零后"),
        ("英雄", "英xong2"),
        ("这儿", "这er2"),
        ("没有数字", "没有数字"),
    ],
)
def test_respelling(text: str, said: str) -> None:
    out, at = "", 0
    for r in respell(text):
        out += text[at : r.start] + r.text
        at = r.stop
    assert out + text[at:] == said


@given(st.text("0123456789.,:-/%¥$°C℃~年个第 儿雄", max_size=30))
def test_respellings_never_overlap(text: str) -> None:
    found = respell(text)
    assert all(a.stop <= b.start for a, b in pairwise(found))
    assert all(r.text for r in found)
