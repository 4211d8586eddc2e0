"""Whether a text that is still being heard ends like a sentence, or in the middle of one."""

from __future__ import annotations

import re
from typing import Final, Literal

Ending = Literal["finished", "open", "unknown"]

_OPEN_MARK: Final = re.compile(r"([,，、:：;；—-]|\.\.\.|…)$")
_FULL_STOP: Final = re.compile(r"([。！？!?]|(?<!\bmr)(?<!\bmrs)(?<!\bdr)(?<!\be\.g)(?<!\bi\.e)\.)$")
_QUOTES: Final = "\"'”’」』)）"
_HESITATION: Final = re.compile(r"(\b(uh+|um+|uhm|er+|erm|and|but|so|hm+)|嗯|呃|额|那个|这个|然后)$")
_OPEN_WORD: Final = re.compile(
    r"\b(a|about|an|are|as|at|because|by|can|could|does?|for|from|had|has|have|if|in|into|is|it's|like|maybe|my|of|on|or"
    r"|our|than|that|the|their|then|to|was|we|were|what|when|where|which|while|who|will|with|would|your|you're|i'?m?)$"
)
"""English words that hardly ever end a turn; "you", "it", "me" often do."""
_CLOSING_WORD: Final = re.compile(r"\b(thanks|thank you|please|bye|goodbye|okay|hello|today|tomorrow|now|yes|no)$")
_OPEN_CHINESE: Final = re.compile(
    r"(就是|还有|因为|所以|但是|可是|不过|而且|如果|或者|以及|关于|我想|我要|比如|其实|的话|和|跟|与|把|被|在|对|从|给|是|的)$"
)
_CLOSING_CHINESE: Final = re.compile(
    r"(吗|呢|吧|谢谢|再见|你好|好的|多少|什么|怎么样|怎么办|为什么|在哪里|在哪儿|几点)$"
)


def how_it_ends(text: str) -> Ending:
    """What the last words say about whether more will come: Chinese and English; other languages by their marks."""
    said = text.strip().lower().rstrip(_QUOTES)
    stopped = _FULL_STOP.search(said) and not said.endswith("...")
    words = said.rstrip("。！？!?.") if stopped else said  # some recognisers put a full stop behind every hesitation
    if _HESITATION.search(words):
        return "open"
    if stopped:
        return "finished"
    if _CLOSING_WORD.search(said) or _CLOSING_CHINESE.search(said):
        return "finished"
    is_open = _OPEN_MARK.search(said) or _OPEN_WORD.search(said) or _OPEN_CHINESE.search(said)
    return "open" if is_open else "unknown"
