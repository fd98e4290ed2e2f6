"""A trained model of sounds at work on audio files: what is heard, and when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audio_rnn.audio import Source, source_name
from audio_rnn.decoding.events import DetectionConfig, EventFinder, load_rules
from audio_rnn.device import choose_device
from audio_rnn.events import Detection
from audio_rnn.inference.reading import Reading
from audio_rnn.inference.sounds import ClipScore, rows_of, step_probabilities
from audio_rnn.models.folder import model_folder
from audio_rnn.models.sound import SoundModel


@dataclass(frozen=True)
class Tag:
    """A class and the probability that it is heard."""

    label: str
    probability: float


@dataclass(frozen=True)
class Tags:
    """What is heard in a recording."""

    path: str
    tags: tuple[Tag, ...]  # all classes, the most probable first
    duration: float  # seconds


@dataclass(frozen=True)
class Detections:
    """What is heard when in a recording."""

    path: str
    events: tuple[Detection, ...]  # by onset
    duration: float  # seconds


class Tagger:
    """Audio files of any length -> tags or events, in memory that does not grow with them."""

    def __init__(
        self,
        model: SoundModel,
        device: str = "auto",
        channel: int | None = None,
        rules: DetectionConfig | None = None,
    ) -> None:
        """`channel` is the one to hear, all mixed when None. Raises: ConfigError."""
        self.model = model.to(choose_device(device)).eval()
        self.channel = channel
        self.rules = rules or DetectionConfig()

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto", channel: int | None = None) -> Tagger:
        """The model in a run folder or model folder, with the rules tuned for it.

        Raises: ModelError, ConfigError.
        """
        model = SoundModel.load(folder)
        return cls(model, device, channel, load_rules(model_folder(Path(folder))))

    def tag(self, path: Source) -> Tags:
        """What is heard in a file. Raises AudioError, StorageError."""
        reading, score = Reading(self.model.features, path, self.channel), ClipScore(self.model)
        for rows in rows_of(self.model, reading):
            score.add(rows)
        values = zip(self.model.classes.names, score.probabilities().tolist())
        tags = sorted((Tag(*pair) for pair in values), key=lambda tag: -tag.probability)
        return Tags(source_name(path), tuple(tags), reading.meter.duration)

    def detect(self, path: Source) -> Detections:
        """What is heard when in a file. Raises AudioError, StorageError."""
        reading = Reading(self.model.features, path, self.channel)
        finder = EventFinder(self.model.classes.names, self.model.step_seconds, self.rules)
        events: list[Detection] = []
        rows = None
        for rows in rows_of(self.model, reading):
            events += finder.feed(step_probabilities(self.model, rows).cpu().numpy())
        assert rows is not None, "a recording has at least one step"
        events += finder.feed(step_probabilities(self.model, rows[:0]).cpu().numpy(), last=True)
        end = reading.meter.duration
        kept = (Detection(e.onset, min(e.offset, end), e.label, e.score) for e in events)
        events = sorted(event for event in kept if event.onset < event.offset)
        return Detections(source_name(path), tuple(events), end)
