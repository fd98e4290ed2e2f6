"""A trained model of sounds at work on audio files: what is heard, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio_rnn.audio import Source, source_name
from audio_rnn.decoding.events import DetectionConfig, load_rules
from audio_rnn.device import choose_device
from audio_rnn.errors import ModelError
from audio_rnn.inference.batched import Batched, Recording, T, padded
from audio_rnn.inference.detecting import Detecting
from audio_rnn.inference.failure import Failure
from audio_rnn.inference.reading import Reading, SoundMeter
from audio_rnn.inference.sounds import ClipScore, rows_of, rows_of_batch, step_probabilities
from audio_rnn.inference.tags import Detections, TagConfig, Tags, Track, most_probable
from audio_rnn.inference.windows import Windows
from audio_rnn.models.folder import model_folder
from audio_rnn.models.sound import SoundModel

Listen = Callable[[str, SoundMeter, Iterable[Tensor]], T]  # name, sound, rows -> what is heard


class Tagger:
    """Audio files of any length -> tags or events, in memory that does not grow with them.

    Short files share padded batches, which change no result. Several trainings of one config say the
    mean of their probabilities, which is right more often.
    """

    def __init__(
        self,
        model: SoundModel,
        device: str = "auto",
        channel: int | None = None,
        rules: DetectionConfig | None = None,
        batch_seconds: float | None = None,
        others: Sequence[SoundModel] = (),
    ) -> None:
        """`channel` is the one to hear, all mixed when None; `batch_seconds` is the audio, padding
        included, that goes through the model at once (a longer file is swept in pieces); `others` are
        more trainings of the model's config, for the same classes.

        Raises: ConfigError.
        """
        self.models = [m.to(choose_device(device)).eval() for m in (model, *others)]
        self.model = self.models[0]
        self.channel, self.batch_seconds = channel, batch_seconds
        self.rules = rules or DetectionConfig()

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str = "auto",
        channel: int | None = None,
        threshold: float | None = None,
        others: Sequence[str | Path] = (),
    ) -> Tagger:
        """The model in a run folder or model folder, with the rules tuned for it; `threshold` is
        that of every class, instead of those tuned. `others` are folders of more trainings.

        Raises: ModelError, ConfigError.
        """
        model, *more = load_alike([folder, *others])
        rules = load_rules(model_folder(Path(folder)))
        rules = rules if threshold is None else rules.with_threshold(threshold)
        return cls(model, device, channel, rules, others=more)

    def tag(self, path: Source, config: TagConfig | None = None) -> Tags:
        """What is heard in a file. Raises AudioError, ConfigError, StorageError."""
        return self._files(self._tags(config or TagConfig()), clips=True).one(path)

    def tag_many(
        self, paths: Iterable[Source], config: TagConfig | None = None
    ) -> Iterator[Tags | Failure]:
        """The same for every file, in the order given; one that cannot be used is a `Failure`."""
        return self._files(self._tags(config or TagConfig()), clips=True).many(paths)

    def detect(self, path: Source) -> Detections:
        """What is heard when in a file. Raises AudioError, StorageError."""
        return self._files(self._detections, clips=False).one(path)

    def detect_many(self, paths: Iterable[Source]) -> Iterator[Detections | Failure]:
        """The same for every file, in the order given; one that cannot be used is a `Failure`."""
        return self._files(self._detections, clips=False).many(paths)

    def track(self, path: Source, start: float = 0.0, end: float = math.inf) -> Track:
        """Probabilities of the steps between two times in seconds. Raises AudioError, StorageError."""
        step = self.model.step_seconds
        first, last, done = math.floor(start / step), end / step, 0
        held = [np.zeros((0, len(self.model.classes)), np.float32)]
        for rows in rows_of(
            self.models, Reading(self.model.features, path, self.channel), clips=False
        ):
            values = step_probabilities(self.model, rows).cpu().numpy()
            stop = math.ceil(last) - done if last < math.inf else len(values)
            held.append(values[max(0, first - done) : max(0, stop)])
            done += len(values)
        return Track(np.concatenate(held), first * step, step, self.model.classes.names)

    def _files(self, listen: Listen[T], clips: bool) -> Batched[T]:
        def together(batch: list[Recording]) -> list[T]:
            every = zip(batch, self._rows(batch, clips), strict=True)
            return [listen(recording.name, recording.meter, [rows]) for recording, rows in every]

        def sweep(reading: Reading, pieces: Iterable[Tensor]) -> T:
            return listen(
                source_name(reading.source), reading.meter, rows_of(self.models, pieces, clips)
            )

        return Batched(self.model.features, together, sweep, self.batch_seconds, self.channel)

    @torch.inference_mode()
    def _rows(self, batch: list[Recording], clips: bool) -> list[Tensor]:
        """What is said of each step: (models, steps, 2 × classes or more) for each recording."""
        frames, lengths = padded(batch)
        rows = rows_of_batch(self.models, frames, lengths, clips)
        steps = self.model.tagger.front.output_lengths(lengths)
        return [rows[:, i, :n] for i, n in enumerate(steps.tolist())]

    def _tags(self, config: TagConfig) -> Listen[Tags]:
        seconds = config.window_seconds

        def listen(name: str, meter: SoundMeter, pieces: Iterable[Tensor]) -> Tags:
            whole = ClipScore(self.models)
            windows = Windows(self.models, config, seconds) if seconds else None
            for rows in pieces:
                whole.add(rows)
                if windows:
                    windows.add(rows)
            probabilities = whole.probabilities().tolist()
            tags = most_probable(self.model.classes.names, probabilities, config)
            return Tags(
                name, tags, meter.duration, windows.finish(meter.duration) if windows else ()
            )

        return listen

    def _detections(self, name: str, meter: SoundMeter, pieces: Iterable[Tensor]) -> Detections:
        detecting = Detecting(self.model, self.rules, meter)
        events = [event for rows in pieces for event in detecting.feed(rows)]
        events += detecting.finish()
        return Detections(name, tuple(sorted(events)), meter.duration)


def load_alike(folders: Sequence[str | Path]) -> list[SoundModel]:
    """Trainings of one config for the same classes. Raises: ModelError."""
    models = [SoundModel.load(folder) for folder in folders]
    for folder, model in zip(folders, models):
        if model.describe() != models[0].describe():
            raise ModelError(
                f"{folder}: found another config or other classes than in {folders[0]}, expected "
                "another training of the same; name one model, or others"
            )
    return models
