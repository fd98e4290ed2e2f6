"""The log-mel spectrum of a signal that comes piece by piece."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from audio_rnn.device import sent
from audio_rnn.features.spectral import LogMel


class LogMelStream:
    """`LogMel` as a stage: a frame is given with the last sample that its window needs.

    Without `top_db`, which only the end of a signal decides.
    """

    def __init__(self, log_mel: LogMel) -> None:
        self.log_mel = log_mel
        self.signal = log_mel.window.new_zeros(0)  # from where the next frame begins
        self.tail = self.signal  # the last samples, of which the edge is made
        self.samples = self.frames = 0
        self.begun = False

    def __call__(self, samples: Tensor, last: bool) -> Tensor:
        """The next samples (samples,) -> the frames that they settle (frames, n_mels)."""
        self.samples += len(samples)
        self.signal = torch.cat([self.signal, samples])
        reach = self.log_mel.right + 1
        self.tail = torch.cat([self.tail, samples[-reach:]])[-reach:]
        if not self.begun and self.samples > (0 if last else self.log_mel.left):
            self.signal = torch.cat([_edge(self.log_mel.start_of, self.signal), self.signal])
            self.begun = True
        if not self.begun:
            return samples.new_zeros(0, self.log_mel.config.n_mels)
        return self._rest() if last else self._settled()

    def _settled(self) -> Tensor:
        """Frames whose window is filled; zeros stand in where the window is zero anyway."""
        unused = self.log_mel.unused
        room = len(self.signal) + unused - self.log_mel.span
        padded = torch.nn.functional.pad(self.signal, (0, unused))
        return self._frames(padded, max(0, room // self.log_mel.hop_length + 1))

    def _rest(self) -> Tensor:
        total = int(self.log_mel.frame_counts(torch.tensor(self.samples)))
        padded = torch.cat([self.signal, _edge(self.log_mel.end_of, self.tail)])
        return self._frames(padded, total - self.frames)

    def _frames(self, padded: Tensor, count: int) -> Tensor:
        with torch.autocast(padded.device.type, enabled=False):
            frames = self.log_mel.spectrum(padded[None], count)[0]
        self.signal = self.signal[count * self.log_mel.hop_length :]
        self.frames += count
        return frames


def _edge(function: Callable[[Tensor, Tensor], Tensor], signal: Tensor) -> Tensor:
    """What the dialect puts before or behind a signal (samples,)."""
    return function(signal[None], sent(torch.tensor([len(signal)]), signal.device))[0]
