"""Makes clean training speech sound like the world: rooms, microphones, noise, other voices, other throats.

Works on power spectra and mel bands, where a filter is a product and a room is a decay, so that a batch costs
milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.face.listen import features as heard
from mien.lab.training.synthesis import SAMPLES

_WARPS = np.linspace(0.80, 1.25, 13)
_BANDS_LOST, _ROWS_LOST = 16, 8
"""Most bands, and most rows, that a hole takes."""


@dataclass(frozen=True)
class Harshness:
    """How often and how badly. Probabilities 0…1; tilt in dB a band; ratios in dB of speech over what disturbs it."""

    room: float = 0.5
    noise: float = 0.7
    noise_db: tuple[float, float] = (2.0, 40.0)
    babble: float = 0.45
    babble_db: tuple[float, float] = (5.0, 25.0)
    only_noise: float = 0.05
    band: float = 0.15
    colour_db: float = 5.0
    gaps: float = 0.5
    warp: bool = True


class Augment:
    """Batches of sound and labels → features and labels. Random; the generator makes it repeatable."""

    def __init__(self, harshness: Harshness, generator: torch.Generator) -> None:
        self._how, self._dice = harshness, generator
        warps = _WARPS if harshness.warp else np.ones(1)
        self._mels = torch.stack([torch.from_numpy(heard.mel_matrix(float(w))) for w in warps])
        self._band = torch.arange(heard.BANDS) / (heard.BANDS - 1)

    def __call__(self, sound: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """sound: (batch, rows · SAMPLES) float; labels: (batch, rows, HEADS)."""
        count = len(sound)
        picked = self._mels[torch.randint(len(self._mels), (count,), generator=self._dice)]
        mel = torch.bmm(power(sound), picked.transpose(1, 2))
        mel = self._room(self._colour(mel))
        mel, labels = self._disturb(mel, labels)
        return self._holes(leveled(self._microphone(mel), self._luck(count))), labels

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._dice)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._dice)

    def _between(self, count: int, span: tuple[float, float]) -> Tensor:
        return self._uniform(count) * (span[1] - span[0]) + span[0]

    def _luck(self, count: int) -> Tensor:
        """Where the level starts against the voice's own: mostly near it, at times as far below as a new stream's."""
        fresh = self._uniform(count) < 0.3
        return torch.where(fresh, self._between(count, (-4.6, 1.0)), 0.7 * self._normal(count))

    def _curve(self, count: int, size: float) -> Tensor:
        """Smooth random curves over the bands, (count, BANDS)."""
        knots = self._normal(count, 1, 6)
        return functional.interpolate(knots, heard.BANDS, mode="linear", align_corners=True)[:, 0] * size

    def _colour(self, mel: Tensor) -> Tensor:
        tilt = (self._uniform(len(mel), 1) * 2 - 1) * 2 * self._how.colour_db * (self._band[None] - 0.4)
        return mel * from_db(self._curve(len(mel), self._how.colour_db) + tilt)[:, None, :]

    def _room(self, mel: Tensor) -> Tensor:
        """An exponential tail: power decays by 60 dB in the reverberation time."""
        count, frames, bands = mel.shape
        seconds = self._between(count, (0.12, 0.7))
        share = from_db(-self._between(count, (4.0, 18.0))) * (self._uniform(count) < self._how.room)
        ages = torch.arange(30) * 0.01
        tail = torch.exp(-13.8 * ages[None] / seconds[:, None])
        tail = tail / tail.sum(1, keepdim=True) * share[:, None] * 3
        tail[:, 0] = 1
        flat = functional.pad(mel.transpose(1, 2).reshape(1, count * bands, frames), (29, 0))
        kernel = tail.flip(1).repeat_interleave(bands, 0)[:, None]
        return functional.conv1d(flat, kernel, groups=count * bands).reshape(count, bands, frames).transpose(1, 2)

    def _disturb(self, mel: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Noise that sways, other voices, and now and then nothing but noise (then nobody speaks)."""
        count, frames, bands = mel.shape
        speech = mel.mean((1, 2)).clamp_min(1e-4)
        colour = torch.exp(0.23 * (self._curve(count, 6.0) - self._uniform(count, 1) * 24 * self._band[None]))
        colour = colour / colour.mean(1, keepdim=True)
        sway = functional.interpolate(self._normal(count, 1, 12), frames, mode="linear", align_corners=True)[:, 0]
        grain = torch.empty(count, frames, bands).exponential_(generator=self._dice) * 0.6 + 0.4
        size = speech * from_db(-self._between(count, self._how.noise_db)) * (self._uniform(count) < self._how.noise)
        noise = colour[:, None] * torch.exp(sway * self._uniform(count, 1) * 0.8)[..., None] * grain
        noise = noise * size[:, None, None]
        others = mel[torch.randperm(count, generator=self._dice)] + mel.flip(0).roll(97, 1) + mel.roll(1, 0).roll(41, 1)
        ratio = from_db(-self._between(count, self._how.babble_db)) * (self._uniform(count) < self._how.babble)
        babble = others * (speech / others.mean((1, 2)).clamp_min(1e-4) * ratio)[:, None, None]
        alone = (self._uniform(count) < self._how.only_noise).float()
        mel = (mel + babble) * (1 - alone)[:, None, None] + noise * (1 + 20 * alone)[:, None, None]
        return mel, labels * (1 - alone)[:, None, None]

    def _microphone(self, mel: Tensor) -> Tensor:
        """Band limits, gain and the noise floor of a recording."""
        count, band = len(mel), self._band[None]
        dull = torch.sigmoid((band - self._between(count, (0.6, 0.95))[:, None]) * 60) * 8
        thin = torch.sigmoid((self._between(count, (0.03, 0.18))[:, None] - band) * 80) * 6
        cut = dull * (self._uniform(count, 1) < self._how.band) + thin * (self._uniform(count, 1) < self._how.band)
        gain = from_db(self._between(count, (-22.0, 14.0)))[:, None]
        floor = 10 ** -self._between(count, (1.5, 6.0))
        return mel * (gain * 10**-cut)[:, None, :] + floor[:, None, None]

    def _holes(self, rows: Tensor) -> Tensor:
        """Bands and moments that are missing, so that nothing rests on one of them alone."""
        bands = rows.unflatten(-1, (2, heard.BANDS)).clone()
        for one in bands:
            for _ in range(2):
                if (hole := self._hole(heard.BANDS, _BANDS_LOST)) is not None:
                    one[..., hole] = one[..., hole].mean()
                if (hole := self._hole(len(one), _ROWS_LOST)) is not None:
                    one[hole] = one[hole].mean()
        return bands.flatten(-2)

    def _hole(self, size: int, most: int) -> slice | None:
        if float(self._uniform(1)) >= self._how.gaps:
            return None
        wide = int(torch.randint(2, most, (1,), generator=self._dice))
        at = int(torch.randint(0, max(1, size - wide), (1,), generator=self._dice))
        return slice(at, at + wide)


def from_db(decibel: Tensor) -> Tensor:
    """Power ratio."""
    return torch.pow(10.0, decibel / 10)


def power(sound: Tensor) -> Tensor:
    """Power spectra as :func:`mien.face.listen.features.band_power` sees them, (batch, 2 · rows, lines)."""
    assert sound.shape[1] % SAMPLES == 0
    window = 0.5 - 0.5 * torch.cos(2 * torch.pi * torch.arange(heard.WINDOW) / heard.WINDOW)
    frames = functional.pad(sound, (heard.WINDOW - heard.HOP, 0)).unfold(1, heard.WINDOW, heard.HOP)
    spectrum: Tensor = torch.fft.rfft(frames * window, heard.FFT).abs().pow(2)
    return spectrum


def leveled(mel: Tensor, luck: Tensor | None = None) -> Tensor:
    """Features from band powers (batch, 2 · rows, BANDS): the voice's level followed as the stream does.

    luck: (batch,); the level then starts that far above where the batch's loud rows are, as it would in the middle of
    a stream. Without, it starts as a new stream does.
    """
    loudness = torch.log(mel.unflatten(1, (-1, 2)).mean((2, 3)) + heard.TINY)
    level = torch.full((len(mel),), heard.START_LEVEL)
    if luck is not None:
        level = (torch.quantile(loudness, 0.9, dim=1) + luck).clamp_min(heard.LEVEL_FLOOR)
    levels = []
    for now in loudness.unbind(1):
        rising = level + (now - level) * heard.LEVEL_RISE
        level = torch.where(now > level, rising, (level - heard.LEVEL_FALL).clamp_min(heard.LEVEL_FLOOR))
        levels.append(level)
    each = torch.stack(levels, 1).repeat_interleave(2, 1)
    rows = (torch.log(mel + heard.TINY) - each[..., None]) * heard.SCALE + heard.OFFSET
    return rows.unflatten(1, (-1, 2)).flatten(2)
