"""Small tasks with their data, to be trained on the CPU and on a GPU alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig, FrameMaskConfig
from audio_rnn.augment.clips import ClipAugmentConfig
from audio_rnn.augment.config import WaveformAugmentConfig
from audio_rnn.data import clips, dataset, rolls, sequences
from audio_rnn.data.clips import Clip, ClipExample
from audio_rnn.data.dataset import Example
from audio_rnn.data.library import Library
from audio_rnn.data.manifest import Utterance
from audio_rnn.engine.task import Batch, Batches, Task
from audio_rnn.features import FeatureConfig
from audio_rnn.midi.hints import HINTS, hints_of
from audio_rnn.midi.symbols import Kind, event_vocabulary, identify
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.convolution import ConvolutionConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.rolls import RollConfig, RollModel
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.tagger import TaggerConfig
from audio_rnn.models.texture import TextureConfig
from audio_rnn.tasks.next_symbol import NextSymbol
from audio_rnn.tasks.piano_roll import PianoRoll
from audio_rnn.tasks.recognition import Recognition
from audio_rnn.tasks.tagging import Tagging, TaggingConfig
from tests.data.test_rolls import random_roll
from tests.small_model import small_model, sound
from tests.small_tagger import NAMES, small_tagger

# Whatever may happen to sound, at random.
AUGMENT = AugmentConfig(
    WaveformAugmentConfig(
        speed_probability=0.5, room_probability=0.5, noise_probability=0.5, gain_probability=0.5
    ),
    FrameAugmentConfig(
        warp_probability=0.5, noise_probability=0.5, frequency_masks=1, stretch_probability=0.5
    ),
    FrameMaskConfig(time_masks=1),
)
CLIPS = ClipAugmentConfig(shift_probability=0.5, mix_probability=0.5, excerpt_seconds=0.6)


@dataclass(frozen=True)
class Fixed:
    """The same few batches in every epoch."""

    batches: list[Any]

    def steps(self, epoch: int) -> int:
        return len(self.batches)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        yield from self.batches[start:]


def speech(bidirectional: bool = True, **features: Any) -> tuple[Task, Batches]:
    network = RecurrentConfig(hidden=16, layers=2, bidirectional=bidirectional)
    front = {} if bidirectional else {"lookahead": 2, "front": "convolution", "channels": 12}
    model = small_model(
        features=FeatureConfig(**features), acoustic=AcousticConfig(recurrent=network, **front)
    )
    seconds = [1.0, 1.2, 0.8, 1.1]
    examples = [Example(f"u{n}", sound(s, n), [1, 2 + n, 3], s) for n, s in enumerate(seconds)]
    if features.get("normalization") == "global":
        model.features.fit([(b.inputs, b.lengths) for b in [dataset.collate(examples)]])
    return Recognition(model, AUGMENT), Fixed(
        [dataset.collate(examples[:2]), dataset.collate(examples[2:])]
    )


def sounds(labels: str = "several", timed: bool = True, **tagger: Any) -> tuple[Task, Batches]:
    features = FeatureConfig(
        kind="log_mel", n_mels=16, hop_ms=20.0, deltas=0, normalization="global"
    )
    model = small_tagger(
        features=features,labels=labels, tagger=TaggerConfig(
        ConvolutionConfig((4, 4), (2, 1), (2, 2)),
        RecurrentConfig(cell="gru", hidden=12, layers=1), **tagger,
    ))  # fmt: skip
    examples = [_clip(n, timed and n != 1) for n in range(4)]
    task = Tagging(
        model, AUGMENT, CLIPS, TaggingConfig(balance=0.5), torch.full((len(NAMES),), 0.2)
    )
    return task, Fixed([clips.collate(examples[:2]), clips.collate(examples[2:])])


def _clip(number: int, timed: bool) -> ClipExample:
    seconds = 1.0 + 0.1 * number
    clip = Clip(Utterance(f"c{number}", seconds, audio="c.wav", events=[] if timed else None))
    tags = np.eye(len(NAMES), dtype=np.float32)[number]
    events = np.array([[number, 0.2, 0.7]] if timed else np.zeros((0, 3)), np.float32)
    return ClipExample(clip, sound(seconds, number), tags, events)


def text(**config: Any) -> tuple[Task, Batches]:
    chosen = SequenceConfig(**{"embedding": 6, "hidden": 10, "layers": 2, **config})
    model = SequenceModel(chosen, small_model().vocabulary)
    rows = {f"s{n}": [1 + (n * m) % 9 for m in range(3 + n)] for n in range(8)}
    return NextSymbol(model), sequences.SequenceBatches(rows, sequences.SequenceBatchConfig(40))


def music() -> tuple[Task, Batches]:
    model = SequenceModel(SequenceConfig(6, "gru", 10), event_vocabulary(), HINTS)
    bars = [identify(Kind.BAR), identify(Kind.AT), identify(Kind.PITCH, 60), identify(Kind.LENGTH)]
    rows = {f"s{n}": bars * (n + 1) for n in range(4)}
    config = sequences.SequenceBatchConfig(40)
    return NextSymbol(model), sequences.SequenceBatches(rows, config, hinting=hints_of)


def roll(*heads: Any) -> tuple[Task, Batches]:
    config = RollConfig(heads, window=4, reach=2, hidden=6, layers=2, lowest=15, highest=65)
    pieces = {f"r{n}": random_roll(6 + 3 * n, seed=n) for n in range(6)}
    return PianoRoll(RollModel(config)), rolls.RollBatches(pieces, rolls.RollBatchConfig(30, 4))


def voices() -> tuple[Task, Batches]:
    config = RollConfig(("voices",), (1, 0), 2, 4, 2, hidden=6, lowest=15, highest=65)
    pieces = {f"r{n}": _sung(6 + 3 * n, n) for n in range(6)}
    library = Library.of({name: pieces[name] for name in ("r4", "r5")})
    batches = rolls.RollBatches(pieces, rolls.RollBatchConfig(30, 0), library=library)
    return PianoRoll(RollModel(config, 2, library)), batches


def _sung(frames: int, seed: int) -> rolls.Roll:
    """Two voices with one key each, or none."""
    keys = np.random.default_rng(seed).integers(20, 60, (frames, 2))
    found = np.zeros((frames, 2, rolls.KEYS), np.uint8)
    np.put_along_axis(found, keys[..., None], 1, axis=2)
    found[::3, 1] = 0
    return found


TASKS: dict[str, Callable[[], tuple[Task, Batches]]] = {
    "speech": lambda: speech(normalization="utterance"),
    "speech, one direction": lambda: speech(False, kind="log_mel", normalization="global"),
    "speech, kaldi": lambda: speech(dialect="kaldi", normalization="sliding"),
    "speech, sphinx": lambda: speech(dialect="sphinx", top_db=60.0),
    "one sound": lambda: sounds("one", pooling="attention"),
    "sounds": lambda: sounds(pooling="linear_softmax"),
    "sounds, texture": lambda: sounds(texture=TextureConfig(share=0.3, hidden=8)),
    "sounds, max": lambda: sounds(pooling="max"),
    "sounds, mean": lambda: sounds(pooling="mean"),
    "sounds, tags alone": lambda: sounds(timed=False),
    "text": lambda: text(tied=False, variational=False),
    "text, tied": lambda: text(cell="gru"),
    "music": music,
    "rolls": lambda: roll("independent", "joint"),
    "voices": voices,
}


def make(name: str) -> tuple[Task, Batches]:
    """With the same first weights each time."""
    torch.manual_seed(0)
    return TASKS[name]()
