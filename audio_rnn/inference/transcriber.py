"""A trained speech model at work on audio files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.audio import Source, read_blocks, source_name
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.hypothesis import Word
from audio_rnn.device import choose_device
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.inference.transcript import Failure, Transcript
from audio_rnn.models.speech import SpeechModel

SILENCE_PEAK = 1e-4  # -80 dB of full scale: nothing that anyone could have said
BATCH_SECONDS = {"cpu": 60.0, "cuda": 1200.0}
TIME_DIGITS, CONFIDENCE_DIGITS = 3, 4
SHORTEST = 0.001  # seconds of a word; the last step of a model may begin where the sound ends
BATCHES_AHEAD = 4  # as much is read before it is sorted by length


@dataclass(frozen=True, eq=False)
class Recording:
    """A file as the model meets it."""

    name: str
    frames: Tensor  # static features (frames, n_static)
    duration: float  # seconds
    peak: float  # largest magnitude of a sample


class Transcriber:
    """Audio files -> transcripts, in padded batches that do not change a result."""

    def __init__(
        self,
        model: SpeechModel,
        device: str = "auto",
        batch_seconds: float | None = None,
        channel: int | None = None,
    ) -> None:
        """`batch_seconds` is the audio, padding included, that goes through the model at once (a
        longer file goes alone); `channel` is the one to hear, all mixed when None.

        Raises: ConfigError.
        """
        self.device = choose_device(device)
        if batch_seconds is None:
            batch_seconds = BATCH_SECONDS[self.device.type]
        if not 0 < batch_seconds < float("inf"):
            raise ConfigError(f"batch_seconds: found {batch_seconds}, expected a number above 0")
        self.batch_seconds = batch_seconds
        self.channel = channel
        self.model = model.to(self.device).eval()
        self.decoder = GreedyDecoder(model.vocabulary, model.step_seconds)

    @classmethod
    def load(
        cls,
        folder: Path,
        device: str = "auto",
        batch_seconds: float | None = None,
        channel: int | None = None,
    ) -> Transcriber:
        """The model in a run folder or model folder. Raises ModelError, ConfigError."""
        return cls(SpeechModel.load(folder), device, batch_seconds, channel)

    def transcribe(self, path: Source) -> Transcript:
        """One file. Raises AudioError."""
        return self._transcribe_batch([self._read(path)])[0]

    def transcribe_many(self, paths: Iterable[Source]) -> Iterator[Transcript | Failure]:
        """Every file, in the order given; one that cannot be used is a `Failure`."""
        for window in self._windows(paths):
            recordings = [item for item in window if isinstance(item, Recording)]
            results: dict[Recording, Transcript | Failure] = {}
            for batch in batches(recordings, self._frame_budget):
                results.update(zip(batch, self._attempt(batch)))
            for item in window:
                yield item if isinstance(item, Failure) else results[item]

    @property
    def _frame_budget(self) -> float:
        return self.batch_seconds / self.model.features.hop_seconds

    def _windows(self, paths: Iterable[Source]) -> Iterator[list[Recording | Failure]]:
        """Read ahead by some batches, so that files of like length can share one."""
        window: list[Recording | Failure] = []
        for path in paths:
            window.append(self._try_to_read(path))
            held = sum(item.duration for item in window if isinstance(item, Recording))
            if held >= BATCHES_AHEAD * self.batch_seconds:
                yield window
                window = []
        yield window

    def _try_to_read(self, path: Source) -> Recording | Failure:
        name = source_name(path)
        try:
            return self._read(path)
        except (InputError, OSError) as error:
            return Failure(name, str(error).removeprefix(f"{name}: "))

    def _read(self, path: Source) -> Recording:
        """Frames of a file, read in blocks: its waveform is never held as a whole."""
        rate = self.model.features.config.sample_rate
        samples, peak = 0, 0.0

        def measured() -> Iterator[np.ndarray]:
            nonlocal samples, peak
            for block in read_blocks(path, rate, channel=self.channel):
                samples += len(block)
                peak = max(peak, float(np.abs(block).max(initial=0)))
                yield block

        frames = self.model.features.static_blocks(measured())
        return Recording(source_name(path), frames, samples / rate, peak)

    def _attempt(self, batch: list[Recording]) -> list[Transcript | Failure]:
        """A batch that does not fit into the GPU is tried in halves."""
        try:
            return [*self._transcribe_batch(batch)]
        except torch.OutOfMemoryError:
            pass  # outside the handler the failed tensors can be freed
        if len(batch) > 1:
            half = len(batch) // 2
            return self._attempt(batch[:half]) + self._attempt(batch[half:])
        return [
            Failure(
                batch[0].name,
                f"found {batch[0].duration:.0f} s, more than fits into the memory of the GPU; "
                "use the CPU or cut the file",
            )
        ]

    def _transcribe_batch(self, batch: list[Recording]) -> list[Transcript]:
        lengths = torch.tensor([len(recording.frames) for recording in batch], device=self.device)
        frames = pad_sequence([recording.frames for recording in batch], batch_first=True)
        with torch.inference_mode():
            log_probs, steps = self.model(frames, lengths)
        scores = log_probs.cpu().numpy()
        return [self._transcript(r, scores[i, : steps[i]]) for i, r in enumerate(batch)]

    def _transcript(self, recording: Recording, log_probs: np.ndarray) -> Transcript:
        """log_probs (steps, symbols) -> text; what a model makes of digital silence is left out."""
        if recording.peak < SILENCE_PEAK:
            return Transcript(recording.name, "", (), recording.duration, 1.0)
        best = decode(self.decoder, log_probs)
        words = tuple(_presentable(word, recording.duration) for word in best.words)
        confidence = round(best.confidence, CONFIDENCE_DIGITS)
        return Transcript(recording.name, best.text, words, recording.duration, confidence)


def _presentable(word: Word, duration: float) -> Word:
    """A word inside its recording, and without the last digits that depend on the batch."""
    start = round(min(word.start, duration - SHORTEST), TIME_DIGITS)
    end = round(min(word.end, duration), TIME_DIGITS)
    return Word(word.text, max(0.0, start), end, round(word.confidence, CONFIDENCE_DIGITS))


def batches(recordings: list[Recording], budget: float) -> Iterator[list[Recording]]:
    """Recordings of like length together: at most `budget` frames with padding, or just one."""
    batch: list[Recording] = []
    for recording in sorted(recordings, key=lambda r: len(r.frames), reverse=True):
        if batch and len(batch[0].frames) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(recording)
    if batch:
        yield batch
