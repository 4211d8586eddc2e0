"""A folder with a sherpa-onnx model that listens: which kind it is, what it understands, and how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mien import bundles
from mien.dialogue.languages import primary_subtag
from mien.dialogue.speak import onnx_metadata
from mien.errors import InputError

_UNRANKED: Final = 55  # of a folder that the user put there
_SENSE_VOICE: Final = ("zh", "en", "ja", "ko", "yue")
_PARAFORMER: Final = ("zh", "en")
_CODES: Final = ("zh", "en", "ja", "ko", "yue", "de", "fr", "es", "it", "pt", "ru", "ar", "nl", "th", "vi", "id")


@dataclass(frozen=True, slots=True)
class HearModel:
    """name: the bundle's or folder's. kind: "sense-voice", "paraformer", "whisper", "transducer" or "ctc".

    streaming: gives text before the end. languages: primary subtags, () = very many. rank: the higher, the better it
    understands. files: sherpa-onnx's own names for them.
    """

    name: str
    kind: str
    streaming: bool
    languages: tuple[str, ...]
    rank: int
    licence: str
    files: tuple[tuple[str, str], ...]

    def settings(self, language: str, threads: int) -> dict[str, Any]:
        """How the child is to load it. language: BCP 47 code or "auto"."""
        code = "" if language == "auto" else primary_subtag(language)
        options: dict[str, Any] = dict(self.files)
        if self.kind == "sense-voice":
            options |= {"language": code or "auto", "use_itn": True}
        elif self.kind == "whisper":
            options |= {"language": "en" if self.languages == ("en",) else code}
        elif self.kind == "transducer" and self.streaming:
            options |= {"model_type": ""}
        return {
            "engine": "streaming" if self.streaming else "whole", "make": self._maker, "files": options,
            "threads": threads,
        }  # fmt: skip

    @property
    def _maker(self) -> str:
        """The function of sherpa-onnx that loads it."""
        if self.kind == "ctc":
            return "from_zipformer2_ctc" if self.streaming else "from_zipformer_ctc"
        return f"from_{self.kind.replace('-', '_')}"


def installed() -> tuple[HearModel, ...]:
    """Every model that is here and can be read, the best first."""
    found = []
    for name, folder in bundles.installed("hear").items():
        try:
            found.append(describe(name, folder))
        except InputError:  # said by ``describe`` when it is asked for by name
            continue
    return tuple(sorted(found, key=lambda m: (-m.rank, m.name)))


def describe(name: str, folder: Path) -> HearModel:
    """What lies in a folder. Raises InputError for what is no sherpa-onnx model that listens."""
    stamp = max((p.stat().st_mtime_ns for p in folder.iterdir()), default=0)
    return _described(name, folder, stamp)


@lru_cache(maxsize=64)
def _described(name: str, folder: Path, _stamp: int) -> HearModel:
    kind, streaming, files = _kind(folder)
    bundle = bundles.catalogue().get(name)
    if bundle is None:
        languages, rank, licence = _languages(name, kind, files), _UNRANKED, "not known"
    else:
        languages, rank, licence = bundle.languages, bundle.rank, bundle.licence
    return HearModel(
        name=name, kind=kind, streaming=streaming, languages=languages, rank=rank, licence=licence,
        files=tuple(files.items()),
    )  # fmt: skip


def _kind(folder: Path) -> tuple[str, bool, dict[str, str]]:
    """Kind, whether it streams, and its files, by what lies there and what the network says of itself."""
    tokens = _best(folder, "tokens.txt") or _best(folder, "*tokens.txt")
    encoder, decoder, joiner = (_best(folder, f"*{part}*.onnx") for part in ("encoder", "decoder", "joiner"))
    if tokens and encoder and decoder and joiner:
        about = _about(encoder)
        files = {"encoder": encoder, "decoder": decoder, "joiner": joiner, "tokens": tokens}
        return "transducer", _streams(about), files
    if tokens and encoder and decoder:
        files = {"encoder": encoder, "decoder": decoder, "tokens": tokens}
        whisper = _about(encoder).get("model_type", "").startswith("whisper")
        return ("whisper", False, files) if whisper else ("paraformer", True, files)
    model = _best(folder, "*.onnx")
    if not model or not tokens:
        lacks = "an .onnx network" if not model else "tokens.txt"
        raise InputError(f"The folder {folder} is no model for sherpa-onnx: it lacks {lacks}.")
    about = _about(model)
    kind = about.get("model_type", "")
    if kind.startswith("sense_voice") or "with_itn" in about:
        return "sense-voice", False, {"model": model, "tokens": tokens}
    if kind.startswith("paraformer") or "lfr_window_size" in about:
        return "paraformer", False, {"paraformer": model, "tokens": tokens}
    if kind.startswith("zipformer"):
        return "ctc", _streams(about), {"model": model, "tokens": tokens}
    raise InputError(f"The network in {folder} is of a kind that is not known here ('{kind or 'nameless'}').")


def _streams(about: Mapping[str, str]) -> bool:
    """Networks that stream say in which pieces they want the sound."""
    return "decode_chunk_len" in about


def _best(folder: Path, pattern: str) -> str:
    """The file of a pattern, the one in 8 bits where there are several: quicker, and as good to the ear. "" = none."""
    found = [p for p in folder.glob(pattern) if p.is_file() and not _is_pointer(p)]
    return str(min(found, key=lambda p: ("int8" not in p.name, len(p.name), p.name))) if found else ""


def _is_pointer(path: Path) -> bool:
    """Git LFS leaves a few words in the place of a large file."""
    with path.open("rb") as file:
        return file.read(7) == b"version"


def _about(network: str) -> dict[str, str]:
    return onnx_metadata.read(Path(network))


def _languages(name: str, kind: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """From the kind, or the folder's name ("…-bilingual-zh-en-…")."""
    if kind == "sense-voice":
        return _SENSE_VOICE
    if kind == "whisper":
        return ("en",) if re.search(r"\.en\b", Path(files["encoder"]).name) else ()
    named = tuple(part for part in re.split(r"[-_.]", name.lower()) if part in _CODES)
    return named or (_PARAFORMER if kind == "paraformer" else ("en",))
