"""Answers from the user's own documents and lists of questions and answers; nothing leaves this machine.

An answer is made of sentences that stand in a document, with their place; what is not there is not known.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Final

from mien import config
from mien.channel import Channel
from mien.dialogue.errands import Errands
from mien.dialogue.script import escape
from mien.dialogue.text import clean, identity, sentences
from mien.dialogue.think import tokens
from mien.dialogue.think.base import Piece, Question, ThinkerInfo
from mien.dialogue.think.library import Found, Library
from mien.dialogue.think.passages import Passage
from mien.dialogue.think.smalltalk import line, small_talk
from mien.errors import InputError
from mien.turn import Cut, Turn

LONGEST_QUESTION: Final = 4_000
SURE: Final = 0.48
"""The part of what is asked, weighed by how rare its words are, that an answer must cover; chosen on questions that are
not those of the published test (``docs/thinking.md``)."""

_LONGEST_ANSWER: Final = {True: 110, False: 320}  # characters of an answer out of a document: Chinese, others
_SHORT: Final = {True: 12, False: 40}  # of a sentence that is not left alone
_TOUCHES: Final = 0.25  # the part of what is asked that a sentence behind the best one covers
_MOST_LEFT: Final = 16  # searches nobody waits for, of all sessions
_LONGEST_LISTED: Final = 1_200  # of an answer that somebody wrote as one
_POINTS_BACK: Final = re.compile(
    r"\b(?:it|its|they|them|that|this|those|these|one|there|also|too)\b|\A(?:and|what about|how about)\b|"
    r"[它这那其]|\A(?:那|还有)|呢[?？]?\Z", re.I,
)  # fmt: skip


class DocumentsThinker:
    """The embedded thinker. library: what to answer from, default the folder of ``[think] documents``."""

    def __init__(self, settings: config.ThinkConfig | None = None, library: Library | None = None) -> None:
        named = (settings or config.load().think).documents
        self._library = library if library is not None or not named else Library(named)
        self._ready = threading.Lock()
        self._is_ready = library is not None
        self._errands = Errands("mien-documents", _MOST_LEFT)

    @property
    def info(self) -> ThinkerInfo:
        """What this back end can do."""
        lacks = "" if self._library is not None else "No documents are named to answer from."
        return ThinkerInfo("documents", streaming=True, lacks=lacks, mend="export MIEN_THINK_DOCUMENTS=FOLDER")

    @property
    def library(self) -> Library | None:
        """What it answers from."""
        return self._library

    def prepare(self, told: Callable[[str], None] | None = None) -> None:
        """Read what is new among the documents; else the first question waits for it. told: as ``Library.refresh``."""
        with self._ready:
            if self._library is not None:
                self._library.refresh(told)
            self._is_ready = True

    def answer(self, question: Question, turn: Turn) -> Iterator[Piece]:
        """See :class:`~mien.dialogue.think.base.Thinker`."""
        turn.check()
        text = question.text.strip()
        if not text or len(text) > LONGEST_QUESTION:
            raise InputError(f"A question has 1 to {LONGEST_QUESTION:,} characters.", code="input.question")
        for piece in self._away(lambda: self._answer(question), turn):
            turn.check()
            yield piece

    def close(self) -> None:
        """Let go of the index. Idempotent."""
        if self._library is not None:
            self._library.close()

    def _answer(self, question: Question) -> list[Piece]:
        if not self._is_ready:
            self.prepare()
        names = self._library.documents() if self._library is not None else []
        if talk := small_talk(question, names):
            return [Piece(talk)]
        if not names or self._library is None:
            return [Piece(line("empty", question), known=False)]
        found = self._find(question)
        if found is None:
            return [Piece(line("unknown", question), known=False)]
        return _told(found.passage, tokens.units(question.text), self._library)

    def _away(self, work: Callable[[], list[Piece]], turn: Turn) -> list[Piece]:
        """What work gives, made in a thread, so that cutting in never waits for it. Raises Cut, or what work raises."""
        come: Channel[list[Piece]] = Channel(1)

        def run() -> None:
            try:
                come.put(work())
                come.finish()
            except BaseException as error:  # whatever it is, the listener must hear of it
                come.fail(error)

        off = turn.when_cut(come.abandon)
        try:
            with self._errands.running(run, turn):
                for made in come:
                    return made
            raise Cut
        finally:
            off()

    def _find(self, question: Question) -> Found | None:
        """What answers the question, one of its sentences, or it with the question before; None: nothing does."""
        assert self._library is not None
        asked_in = [s.text for s in sentences(clean(identity(question.text)))]
        for text in dict.fromkeys((question.text, *reversed(asked_in))):
            best = next(iter(self._library.find(text, 1)), None)
            if best and best.cover >= SURE:
                return best
        before = next((said.text for said in reversed(question.history) if said.role == "user"), "")
        if before and _POINTS_BACK.search(question.text.strip()):
            asked = tokens.units(question.text)
            for found in self._library.find(f"{before} {question.text}", 3):
                covers = self._library.cover(asked, f"{found.passage.question} {found.passage.text}")
                if found.cover >= SURE and covers >= SURE:
                    return found
        return None


def _told(passage: Passage, asked: list[tokens.Unit], library: Library) -> list[Piece]:
    """The answer as pieces of one sentence each, the first with where it stands."""
    listed = [s.text for s in sentences(clean(identity(passage.text)))]
    chosen = _within(listed, _LONGEST_LISTED) if passage.question else _best_sentences(listed, asked, library)
    glue = "" if tokens.is_cjk(chosen[0][-2:]) else " "
    cited = (passage.cite(glue.join(chosen)),)
    return [Piece(escape(s) + (glue if i + 1 < len(chosen) else ""), cited if i == 0 else ())
            for i, s in enumerate(chosen)]  # fmt: skip


def _best_sentences(listed: list[str], asked: list[tokens.Unit], library: Library) -> list[str]:
    """The sentence that covers most of the question, and those behind it that have to do with it too."""
    covers = [library.cover(asked, sentence) for sentence in listed]
    first = max(range(len(listed)), key=lambda i: (round(covers[i], 3), -i))
    kept = listed[first : first + 1]
    for cover, sentence in zip(covers[first + 1 :], listed[first + 1 :], strict=True):
        if cover < _TOUCHES and sum(map(len, kept)) >= _SHORT[tokens.is_cjk(kept[0])]:
            break
        kept.append(sentence)
    return _within(kept, _LONGEST_ANSWER[tokens.is_cjk(kept[0])])


def _within(listed: list[str], longest: int) -> list[str]:
    """As many sentences from the first on as fit; the first one always."""
    size = 0
    for i, sentence in enumerate(listed):
        size += len(sentence)
        if i and size > longest:
            return listed[:i]
    return listed
