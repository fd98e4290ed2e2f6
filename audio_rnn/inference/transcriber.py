"""A trained speech model at work on audio files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from audio_rnn.audio import Source, source_name
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.hypothesis import Hypothesis, joined
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.device import choose_device
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.inference.decoders import make_decoder
from audio_rnn.inference.reading import Reading, SoundMeter
from audio_rnn.inference.sweep import log_prob_pieces
from audio_rnn.inference.transcript import Failure, Transcript, presentable
from audio_rnn.models.speech import SpeechModel

BATCH_SECONDS = {"cpu": 60.0, "cuda": 1200.0}
BATCHES_AHEAD = 4  # as much is read before it is sorted by length


@dataclass(frozen=True, eq=False)
class Recording:
    """A file as the model meets it."""

    name: str
    frames: Tensor  # static features (frames, n_static)
    meter: SoundMeter


class Transcriber:
    """Audio files -> transcripts, in padded batches that do not change a result."""

    def __init__(
        self,
        model: SpeechModel,
        device: str = "auto",
        batch_seconds: float | None = None,
        channel: int | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        """`batch_seconds` is the audio, padding included, that goes through the model at once (a
        longer file is swept in pieces); `channel` is the one to hear, all mixed when None;
        decoding is greedy without a `decoder`.

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
        self.decoder = decoder or make_decoder(model)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        batch_seconds: float | None = None,
        channel: int | None = None,
        decoding: DecodingConfig | None = None,
    ) -> Transcriber:
        """The model in a run folder or model folder.

        Raises: ModelError, ConfigError, DecodingError, LanguageModelError.
        """
        model = SpeechModel.load(folder)
        decoder = make_decoder(model, Path(folder), decoding)
        return cls(model, device, batch_seconds, channel, decoder)

    def transcribe(self, path: Source) -> Transcript:
        """One file. Raises AudioError, StorageError."""
        read = self._read(path)
        return read if isinstance(read, Transcript) else self._transcribe_batch([read])[0]

    def transcribe_many(self, paths: Iterable[Source]) -> Iterator[Transcript | Failure]:
        """Every file, in the order given; one that cannot be used is a `Failure`.

        Raises: InputError for a single name, which would be taken letter by letter.
        """
        if isinstance(paths, str):
            raise InputError(f"paths: found {paths!r}, expected several files, as in [{paths!r}]")
        for window in self._windows(paths):
            recordings = [item for item in window if isinstance(item, Recording)]
            results: dict[Recording, Transcript | Failure] = {}
            for batch in batches(recordings, self._frame_budget):
                results.update(zip(batch, self._attempt(batch)))
            for item in window:
                yield results[item] if isinstance(item, Recording) else item

    @property
    def _frame_budget(self) -> float:
        return self.batch_seconds / self.model.features.hop_seconds

    def _windows(self, paths: Iterable[Source]) -> Iterator[list[Recording | Transcript | Failure]]:
        """Read ahead by some batches, so that files of like length can share one."""
        window: list[Recording | Transcript | Failure] = []
        for path in paths:
            window.append(self._try_to_read(path))
            if sum(map(_seconds, window)) >= BATCHES_AHEAD * self.batch_seconds:
                yield window
                window = []
        yield window

    def _try_to_read(self, path: Source) -> Recording | Transcript | Failure:
        name = source_name(path)
        try:
            return self._read(path)
        except (InputError, OSError) as error:
            return Failure(name, str(error).removeprefix(f"{name}: "))

    def _read(self, path: Source) -> Recording | Transcript:
        """The frames of a file, or the transcript of one that is longer than a batch."""
        reading = Reading(self.model.features, path, self.channel)
        pieces, held = iter(reading), []
        while (piece := next(pieces, None)) is not None:
            held.append(piece)
            if sum(map(len, held)) > self._frame_budget:
                return self._sweep(reading, chain(held, pieces))
        return Recording(source_name(path), torch.cat(held), reading.meter)

    def _sweep(self, reading: Reading, pieces: Iterable[Tensor]) -> Transcript:
        """A long file, without ever holding it as a whole."""
        decoding = self.decoder.start()
        segments = [
            s for scores in log_prob_pieces(self.model, pieces) for s in decoding.feed(scores)
        ]
        best = joined([*segments, *decoding.finish()])
        return _transcript(source_name(reading.source), reading.meter, best)

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
                f"found {batch[0].meter.duration:.0f} s, more than fits into the memory of the GPU; "
                "use the CPU or cut the file",
            )
        ]

    def _transcribe_batch(self, batch: list[Recording]) -> list[Transcript]:
        lengths = torch.tensor([len(recording.frames) for recording in batch], device=self.device)
        frames = pad_sequence([recording.frames for recording in batch], batch_first=True)
        with torch.inference_mode():
            log_probs, steps = self.model(frames, lengths)
        scores = log_probs.cpu().numpy()
        return [
            _transcript(r.name, r.meter, decode(self.decoder, scores[i, : steps[i]]))
            for i, r in enumerate(batch)
        ]


def _seconds(item: Recording | Transcript | Failure) -> float:
    """Of audio that waits; a transcript is done, and counts since it should not wait for others."""
    if isinstance(item, Failure):
        return 0.0
    return item.meter.duration if isinstance(item, Recording) else item.duration


def _transcript(name: str, meter: SoundMeter, best: Hypothesis) -> Transcript:
    shown = presentable(best, meter.onset, meter.duration)
    return Transcript(name, shown.text, tuple(shown.words), meter.duration, shown.confidence)


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
