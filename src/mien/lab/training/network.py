"""The network as it is trained: one trunk that listens, an answer for each look-ahead."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.face.listen.features import FEATURES
from mien.face.listen.heads import CLOSED, HEADS, SPEAKING
from mien.face.listen.network import LOOK_AHEADS

LIKELIHOODS: Final = slice(CLOSED, SPEAKING + 1)
"""Heads that say how likely something is: contacts and speech."""
CONTEXT: Final = 2
"""Rows before the present one that the convolution sees."""


class Listener(nn.Module):
    """Linear → causal convolution over three rows → two GRU layers → an answer for each look-ahead.

    Small enough to run on a core's twentieth part; recurrent, so its state is all that a stream has to carry.
    """

    def __init__(self, width: int = 192, dropout: float = 0.0) -> None:
        """width: units of a layer. dropout: share of them that training leaves out, 0…1."""
        super().__init__()
        self.width = width
        self.drop = nn.Dropout(dropout)
        self.inlet = nn.Linear(FEATURES, width)
        self.context = nn.Conv1d(width, width, CONTEXT + 1)
        self.norm = nn.LayerNorm(width)
        self.memory = nn.GRU(width, width, 2, batch_first=True, dropout=dropout)
        self.answer = nn.Linear(width, len(LOOK_AHEADS) * HEADS)

    def forward(self, features: Tensor) -> Tensor:
        """features: (batch, rows, FEATURES) from silence on. Returns (batch, rows, look-aheads, HEADS)."""
        hidden = self.hidden(features)
        answer: Tensor = self.answer(hidden).unflatten(-1, (len(LOOK_AHEADS), HEADS))
        return torch.cat([answer[..., : LIKELIHOODS.start], torch.sigmoid(answer[..., LIKELIHOODS])], -1)

    def hidden(self, features: Tensor) -> Tensor:
        """The trunk's rows, (batch, rows, width)."""
        first = functional.gelu(self.inlet(features))
        before = functional.pad(first, (0, 0, CONTEXT, 0))
        seen = functional.gelu(self.context(before.transpose(1, 2)).transpose(1, 2))
        normed = self.norm(first + seen)
        out: Tensor = self.drop(self.memory(self.drop(normed))[0] + normed)
        return out


def delayed(labels: Tensor, look_ahead: int) -> Tensor:
    """What a step should say: step k has heard row k to its end, tick 960·(k + 1), and speaks of look_ahead earlier.

    labels: (batch, rows, HEADS), row k at tick 960 k. The same shape; ends are held.
    """
    shift = look_ahead - 1
    if shift < 0:
        return torch.cat([labels[:, 1:], labels[:, -1:]], 1)
    if shift == 0:
        return labels
    return torch.cat([labels[:, :1].expand(-1, shift, -1), labels[:, :-shift]], 1)
