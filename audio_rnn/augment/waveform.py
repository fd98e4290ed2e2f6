"""Changes of waveforms: speed, rooms, noise, volume."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
import torchaudio
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.audio import EXTENSIONS, read_audio
from audio_rnn.augment.config import WaveformAugmentConfig
from audio_rnn.augment.draw import chosen, normal, uniform
from audio_rnn.device import sent
from audio_rnn.errors import ConfigError
from audio_rnn.features import valid_frames
from audio_rnn.files import files_below

SPEED_STEPS = 100  # in a factor of 1: a coarse grid keeps the resampling filters short


class WaveformAugment(nn.Module):
    """Speed, room, noise and gain, each with its own probability, utterance by utterance.

    Raises: ConfigError when a folder of recordings holds none.
    """

    def __init__(self, config: WaveformAugmentConfig, sample_rate: int) -> None:
        super().__init__()
        self.config, self.sample_rate = config, sample_rate
        self.noises = _recordings(config.noise_folder, "noise_folder")
        self.rooms = _recordings(config.room_folder, "room_folder")

    def forward(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples) float32, lengths (batch,) -> the same, with other lengths after a
        change of speed. Zeros past every length; only in training mode.

        Raises: AudioError when a recording of noise or of a room cannot be read.
        """
        if not self.training or not waveforms.numel():
            return waveforms, lengths
        config = self.config
        if config.speed_probability > 0:
            waveforms, lengths = self._at_speed(waveforms, lengths)
        mask = valid_frames(sent(lengths, waveforms.device), waveforms.shape[1])
        waveforms = waveforms * mask
        if config.room_probability > 0:
            waveforms = self._in_room(waveforms) * mask
        if config.noise_probability > 0:
            waveforms = self._noisy(waveforms, mask)
        if config.gain_probability > 0:
            which = chosen(config.gain_probability, waveforms)
            gain = 10 ** (uniform(*config.gain_db, waveforms) / 20)
            waveforms = waveforms * gain.where(which, 1)[:, None]
        return waveforms, lengths

    def _at_speed(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        which = chosen(self.config.speed_probability, lengths)
        factors = uniform(*self.config.speed, lengths)
        steps = (factors * SPEED_STEPS).round().where(which, SPEED_STEPS).int().tolist()
        changed = [
            resampler(step, row.device, row.dtype)(row[:length]) if length else row[:0]
            for row, length, step in zip(waveforms, lengths.tolist(), steps)
        ]
        return pad_sequence(changed, batch_first=True), torch.tensor([len(row) for row in changed])

    def _in_room(self, waveforms: Tensor) -> Tensor:
        """Convolved with a room's response of energy 1, so that the volume hardly changes."""
        which = chosen(self.config.room_probability, torch.empty(len(waveforms)))
        rows = []
        for waveform, is_chosen in zip(waveforms, which):
            if is_chosen:
                room = sent(self._room(), waveform.device)
                waveform = torchaudio.functional.fftconvolve(waveform, room)[: len(waveform)]
            rows.append(waveform)
        return torch.stack(rows)

    def _room(self) -> Tensor:
        """A room response, from a file or generated: (samples,), its direct sound first."""
        if self.rooms:
            room = torch.from_numpy(read_audio(_any_of(self.rooms), self.sample_rate))
            room = room[int(room.abs().argmax()) :]
        else:
            room = self._generated_room()
        return room / room.norm().clamp(min=1e-9)

    def _generated_room(self) -> Tensor:
        """An impulse, then noise that decays by 60 dB in RT60 (Moorer 1979)."""
        one = torch.empty(1)
        rt60 = float(uniform(*self.config.room_rt60_s, one))
        direct_db = float(uniform(*self.config.room_direct_db, one))
        times = torch.arange(1, max(2, round(rt60 * self.sample_rate))) / self.sample_rate
        tail = torch.randn(len(times)) * 10 ** (-3 * times / rt60)
        tail *= 10 ** (-direct_db / 20) / tail.norm()
        return torch.cat([torch.ones(1), tail])

    def _noisy(self, waveforms: Tensor, mask: Tensor) -> Tensor:
        which = chosen(self.config.noise_probability, torch.empty(len(waveforms)))
        snr_db = uniform(*self.config.noise_snr_db, waveforms)[:, None]
        noise = self._noise(waveforms, which) * mask
        speech_energy = waveforms.square().sum(1, keepdim=True)
        noise_energy = noise.square().sum(1, keepdim=True).clamp(min=1e-12)
        gain = (speech_energy / noise_energy).sqrt() * 10 ** (-snr_db / 20)
        there = sent(which, waveforms.device)[:, None]
        return torch.where(there, waveforms + gain * noise, waveforms)

    def _noise(self, waveforms: Tensor, which: Tensor) -> Tensor:
        if self.noises:
            silence = torch.zeros(waveforms.shape[1])
            rows = [self._recorded(waveforms.shape[1]) if i else silence for i in which]
            return sent(torch.stack(rows), waveforms.device)
        noise = normal(waveforms)
        return _pink(noise) if self.config.noise_color == "pink" else noise

    def _recorded(self, samples: int) -> Tensor:
        """`samples` of a recording from a random place on, repeated when it is shorter."""
        recording = torch.from_numpy(read_audio(_any_of(self.noises), self.sample_rate))
        start = int(torch.randint(len(recording), ()))
        return recording[(start + torch.arange(samples)) % len(recording)]


@cache
def resampler(step: int, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Of a speed in SPEED_STEPS; kept, since its filter takes longer to make than to use."""
    made = torchaudio.transforms.Resample(step, SPEED_STEPS, dtype=dtype)
    return made._apply(lambda kernel: sent(kernel, device))


def _pink(white: Tensor) -> Tensor:
    """White noise with its power divided by frequency."""
    spectrum = torch.fft.rfft(white)
    index = torch.arange(spectrum.shape[1], device=white.device).clamp(min=1)
    return torch.fft.irfft(spectrum / index.sqrt(), n=white.shape[1])


def _any_of(files: list[Path]) -> Path:
    return files[int(torch.randint(len(files), ()))]


def _recordings(folder: Path | None, field: str) -> list[Path]:
    if folder is None:
        return []
    files = files_below(folder, EXTENSIONS)
    if not files:
        raise ConfigError(
            f"{field}: found no audio file in {folder}, expected some that end in "
            f"{', '.join(EXTENSIONS)}; check the name"
        )
    return files
