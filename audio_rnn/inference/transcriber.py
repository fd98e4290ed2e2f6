"""A trained speech model at work on audio files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from audio_rnn.audio import Source, source_name
from audio_rnn.decoding.decoder import Decoder, decode
from audio_rnn.decoding.hypothesis import Hypothesis, joined
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.device import choose_device
from audio_rnn.inference.batched import Batched, Recording, padded
from audio_rnn.inference.decoders import make_decoder
from audio_rnn.inference.failure import Failure
from audio_rnn.inference.reading import Reading, SoundMeter
from audio_rnn.inference.sweep import log_prob_pieces
from audio_rnn.inference.transcript import Transcript, presentable
from audio_rnn.models.speech import SpeechModel


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
        self.model = model.to(choose_device(device)).eval()
        self.decoder = decoder or make_decoder(model)
        self._files = Batched(
            model.features, self._transcribe_batch, self._sweep, batch_seconds, channel
        )

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
        return self._files.one(path)

    def transcribe_many(self, paths: Iterable[Source]) -> Iterator[Transcript | Failure]:
        """Every file, in the order given; one that cannot be used is a `Failure`.

        Raises: InputError for a single name, which would be taken letter by letter.
        """
        return self._files.many(paths)

    def _sweep(self, reading: Reading, pieces: Iterable[Tensor]) -> Transcript:
        """A long file, without ever holding it as a whole."""
        decoding = self.decoder.start()
        segments = [
            s for scores in log_prob_pieces(self.model, pieces) for s in decoding.feed(scores)
        ]
        best = joined([*segments, *decoding.finish()])
        return _transcript(source_name(reading.source), reading.meter, best)

    @torch.inference_mode()
    def _transcribe_batch(self, batch: list[Recording]) -> list[Transcript]:
        log_probs, steps = self.model(*padded(batch))
        scores = log_probs.cpu().numpy()
        return [
            _transcript(r.name, r.meter, decode(self.decoder, scores[i, : steps[i]]))
            for i, r in enumerate(batch)
        ]


def _transcript(name: str, meter: SoundMeter, best: Hypothesis) -> Transcript:
    shown = presentable(best, meter.onset, meter.duration)
    return Transcript(name, shown.text, tuple(shown.words), meter.duration, shown.confidence)
