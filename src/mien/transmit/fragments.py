"""Fragmented MP4 (ISO/IEC 14496-12), a fragment as soon as there is a frame: what Media Source Extensions play.

libav's own muxer holds each frame until the next one comes. Here every coded frame becomes a fragment at once. Both
tracks count in ticks of 1/48000 s; decode and presentation times are equal, for there are no reordered pictures.
"""

from __future__ import annotations

import struct
from typing import Final

from mien.timeline import TICKS_PER_SECOND
from mien.transmit.rtc_coded import Coded
from mien.transmit.rtc_sound import OPUS_DELAY

VIDEO, SOUND = 1, 2
"""Track numbers."""

_MATRIX: Final = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_KEY: Final = 0x02000000  # sample flags: depends on no other
_NO_KEY: Final = 0x01010000  # depends on others, is no sync sample


def split_units(data: bytes) -> list[bytes]:
    """NAL units of H.264 in Annex B, without start codes."""
    units = []
    at = data.find(b"\x00\x00\x01")
    while at >= 0:
        start = at + 3
        at = data.find(b"\x00\x00\x01", start)
        end = len(data) if at < 0 else at
        units.append(data[start:end].rstrip(b"\x00"))
    return [unit for unit in units if unit]


def parameter_sets(data: bytes) -> tuple[bytes, bytes] | None:
    """Sequence and picture parameter set of a key picture in Annex B; None when it has none."""
    units = split_units(data)
    sequence = next((u for u in units if u[0] & 31 == 7), None)
    picture = next((u for u in units if u[0] & 31 == 8), None)
    return (sequence, picture) if sequence and picture and len(sequence) > 3 else None


def codec_string(sequence: bytes) -> str:
    """What browsers call the profile and level of a sequence parameter set: "avc1.42c01e" (RFC 6381)."""
    return f"avc1.{sequence[1:4].hex()}"


def avcc(sequence: bytes, picture: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1): also WebCodecs' ``description``."""
    head = bytes([1, *sequence[1:4], 0xFF, 0xE1])
    return head + struct.pack(">H", len(sequence)) + sequence + b"\x01" + struct.pack(">H", len(picture)) + picture


def to_avc(data: bytes) -> bytes:
    """Annex B to units with a length of four bytes; parameter sets are left out, for the configuration has them."""
    kept = (u for u in split_units(data) if u[0] & 31 not in (7, 8, 9))
    return b"".join(struct.pack(">I", len(u)) + u for u in kept)


def init_segment(width: int, height: int, sequence: bytes, picture: bytes, sound: str = "opus") -> bytes:
    """ftyp and moov. width, height: pixels. sound: "opus", "aac" or "" for none."""
    tracks = [_track(VIDEO, _picture_header(), _avc1(width, height, avcc(sequence, picture)), (width, height))]
    extends = _full("trex", 0, 0, struct.pack(">5I", VIDEO, 1, 0, 0, 0))
    if sound:
        entry = _opus_entry() if sound == "opus" else _aac_entry()
        tracks.append(_track(SOUND, _sound_header(), entry, (0, 0)))
        extends += _full("trex", 0, 0, struct.pack(">5I", SOUND, 1, 0, 0, 0))
    movie = struct.pack(">4I", 0, 0, TICKS_PER_SECOND, 0) + struct.pack(">IH10x", 0x10000, 0x100)
    header = _full("mvhd", 0, 0, movie + _MATRIX + bytes(24) + struct.pack(">I", SOUND + 1))
    brands = _box("ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41")
    return brands + _box("moov", header, *tracks, _box("mvex", extends))


def fragment(number: int, track: int, coded: Coded, data: bytes, start: int) -> bytes:
    """moof and mdat of one frame. number: rises by one. data: the sample. start: tick where the stream's time is 0.

    A block that begins before ``start`` (an encoder's run-in) begins at it, shorter.
    """
    at = max(0, coded.tick - start)
    flags = _KEY if coded.key else _NO_KEY
    header = _full("tfhd", 0, 0x020000, struct.pack(">I", track))  # data offsets count from this moof
    when = _full("tfdt", 1, 0, struct.pack(">Q", at))
    length = 8 + 16 + 8 + len(header) + len(when) + 12 + 20 + 8  # moof, mfhd, traf, trun and mdat's header
    run = _full("trun", 0, 0x000701, struct.pack(">IiIII", 1, length, coded.duration, len(data), flags))
    moof = _box("moof", _full("mfhd", 0, 0, struct.pack(">I", number)), _box("traf", header, when, run))
    return moof + _box("mdat", data)


def _track(number: int, media_header: bytes, entry: bytes, size: tuple[int, int]) -> bytes:
    sound = number == SOUND
    about = struct.pack(">5I8x2HH2x", 0, 0, number, 0, 0, 0, 0, 0x100 if sound else 0)
    header = _full("tkhd", 0, 7, about + _MATRIX + struct.pack(">2I", size[0] << 16, size[1] << 16))
    clock = _full("mdhd", 0, 0, struct.pack(">4IHH", 0, 0, TICKS_PER_SECOND, 0, 0x55C4, 0))  # language: undetermined
    handler = _full("hdlr", 0, 0, struct.pack(">I4s12x", 0, b"soun" if sound else b"vide") + b"\x00")
    where = _box("dinf", _full("dref", 0, 0, struct.pack(">I", 1), _full("url ", 0, 1)))
    empty = b"".join(
        _full(name, 0, 0, bytes(count)) for name, count in (("stts", 4), ("stsc", 4), ("stsz", 8), ("stco", 4))
    )
    table = _box("stbl", _full("stsd", 0, 0, struct.pack(">I", 1), entry), empty)
    return _box("trak", header, _box("mdia", clock, handler, _box("minf", media_header, where, table)))


def _picture_header() -> bytes:
    return _full("vmhd", 0, 1, bytes(8))


def _sound_header() -> bytes:
    return _full("smhd", 0, 0, bytes(4))


def _avc1(width: int, height: int, configuration: bytes) -> bytes:
    entry = struct.pack(">6xH16x2H2I4xH32xHh", 1, width, height, 0x480000, 0x480000, 1, 24, -1)
    color = _box("colr", b"nclx", struct.pack(">3HB", 1, 1, 1, 0))  # BT.709, limited range
    return _box("avc1", entry, _box("avcC", configuration), color)


def _opus_entry() -> bytes:
    """Opus in ISO BMFF, version 1: one channel, mapping family 0."""
    specific = struct.pack(">BBHIhB", 0, 1, OPUS_DELAY, TICKS_PER_SECOND, 0, 0)
    return _box("Opus", _sound_entry(), _box("dOps", specific))


def _aac_entry() -> bytes:
    """AAC-LC, 48 kHz, one channel: AudioSpecificConfig 0x1188 (ISO/IEC 14496-3, 1.6.2.1)."""
    special = b"\x05\x02\x11\x88"
    decoder = struct.pack(">BB3x2I", 0x40, 0x15, 96_000, 96_000) + special
    described = b"\x00\x01\x00" + b"\x04" + bytes([len(decoder)]) + decoder + b"\x06\x01\x02"
    return _box("mp4a", _sound_entry(), _full("esds", 0, 0, b"\x03" + bytes([len(described)]) + described))


def _sound_entry() -> bytes:
    return struct.pack(">6xH8x2H4xI", 1, 1, 16, TICKS_PER_SECOND << 16)


def _box(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name.encode("ascii")) + body


def _full(name: str, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, struct.pack(">I", version << 24 | flags), *parts)
