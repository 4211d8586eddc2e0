"""Facts that visitors tell about themselves, found by rules in English and Chinese; nothing is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

LONGEST_VALUE: Final = 80
MOST_AT_ONCE: Final = 8
_END: Final = r"(?=\s*(?:[,.;!?，。；！？、\n]|\band\b|\bbut\b|\bfrom\b|\Z))"
_NAME_EN: Final = r"([A-Z][\w'’-]*(?:\s[A-Z][\w'’-]*){0,2})"
_ANY: Final = rf"([^,.;!?，。；！？\n]{{2,{LONGEST_VALUE}}}?)"
_STOP_NAMES: Final = frozenset(
    ["not", "here", "sorry", "fine", "good", "well", "just", "looking", "sure", "happy", "glad", "interested", "trying"]
)
_RULES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (key, re.compile(pattern, flags))
    for key, pattern, flags in (
        ("name", rf"\b(?i:my name is|my name's|call me|i am called|i'm called)\s+{_NAME_EN}", 0),
        ("name", rf"\b(?i:my name is|my name's|call me)\s+([a-z][\w'’-]{{1,30}}){_END}", 0),
        ("name", rf"(?:\A|[.!,]\s*)(?i:i am|i'm|this is)\s+{_NAME_EN}{_END}", 0),
        (
            "name",
            r"(?:我(?:的名字)?(?:叫|是叫)|我的名字是|我姓名是|叫我|称呼我(?:为)?)([\u4e00-\u9fffA-Za-z·]{1,12}?)(?=就(?:行|好|可以)|吧|[,.;!?，。；！？、\s]|\Z)",
            0,
        ),
        ("name", r"(?:\A|[，。！,])我姓([\u4e00-\u9fff]{1,2})(?=[,.;!?，。；！？、\s]|\Z)", 0),
        ("lives in", rf"\bi (?:live|am living|reside) in\s+{_ANY}{_END}", re.I),
        ("lives in", r"我(?:现在)?住在?([\u4e00-\u9fffA-Za-z]{2,20}?)(?=[,.;!?，。；！？、\s]|\Z)", 0),
        ("comes from", rf"\bi(?: am|'m| come) from\s+{_ANY}{_END}", re.I),
        (
            "comes from",
            r"我(?:是)?(?:来自|从)([\u4e00-\u9fffA-Za-z]{2,20}?)(?:来的?|的)?(?=[,.;!?，。；！？、\s]|\Z)",
            0,
        ),
        ("works as", rf"\bi(?: work as|'m working as) (?:an? )?{_ANY}{_END}", re.I),
        (
            "works as",
            r"我(?:的职业是|的工作是|是(?:一[名位个])|是做)([\u4e00-\u9fffA-Za-z]{2,20}?)(?:工作)?的?(?=[,.;!?，。；！？、\s]|\Z)",
            0,
        ),
        ("likes", rf"\bi (?:really )?(?:like|love|prefer|enjoy)\s+{_ANY}{_END}", re.I),
        (
            "likes",
            r"我(?:很|最|比较|特别|非常)?(?:喜欢|爱)([\u4e00-\u9fffA-Za-z]{1,20}?)(?=[,.;!?，。；！？、\s]|\Z)",
            0,
        ),
        ("dislikes", rf"\bi (?:do not|don't|dont) (?:like|eat|want|drink)\s+{_ANY}{_END}", re.I),
        ("dislikes", r"我(?:不喜欢|不吃|不喝|讨厌)([\u4e00-\u9fffA-Za-z]{1,20}?)(?=[,.;!?，。；！？、\s]|\Z)", 0),
        ("is allergic to", rf"\bi(?: am|'m) allergic to\s+{_ANY}{_END}", re.I),
        ("is allergic to", r"我对([\u4e00-\u9fffA-Za-z]{1,20}?)过敏", 0),
    )
)
_QUESTION: Final = re.compile(r"[?？]|吗|什么|谁|哪|呢")
_SECRET: Final = re.compile(
    r"(?<![\w.])(?:\+?\d[\d \-.]{5,}\d|[A-Z]{1,3}\d{6,})|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]{1,64}", re.I
)


@dataclass(frozen=True, slots=True)
class Fact:
    """key: what kind, such as "name". value: in the visitor's own words."""

    key: str
    value: str

    @property
    def text(self) -> str:
        """As it stands in :attr:`mien.dialogue.think.base.Question.known`."""
        return f"{self.key}: {self.value}"


def facts_in(text: str) -> list[Fact]:
    """What a visitor says of themself in a few sentences; of each kind the last, at most :data:`MOST_AT_ONCE`."""
    found: dict[str, Fact] = {}
    for sentence in re.findall(r"[^.!?。！？\n]+[.!?。！？\n]*", text[:2_000]):
        for key, pattern in _RULES:
            match = pattern.search(sentence)
            if match is None or (_QUESTION.search(match[0]) or sentence.rstrip().endswith(("?", "？", "吗"))):
                continue
            value = redacted(match[1].strip(" '\"“”‘’")).strip()
            if value and not (key == "name" and value.split()[0].lower() in _STOP_NAMES):
                found.setdefault(f"{key}", Fact(key, value[:LONGEST_VALUE]))
    return list(found.values())[:MOST_AT_ONCE]


def redacted(text: str) -> str:
    """Text without what must not be kept: long numbers (cards, accounts, papers, telephones) and e-mail addresses."""
    return _SECRET.sub("•••", text)
