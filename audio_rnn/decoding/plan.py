"""What a piece of music shall be, as it is asked."""

from __future__ import annotations

from dataclasses import dataclass

from audio_rnn.config import require
from audio_rnn.midi.piece import PITCHES, Key


@dataclass(frozen=True)
class Plan:
    """What a piece shall be; None leaves a thing to the model."""

    key: Key | None = None
    meter: tuple[int, int] | None = None  # beats, unit
    tempo: int | None = None  # quarter notes a minute
    bars: float | None = None  # infinity for a piece that never ends
    # At the beginning and at the end: the share of the training set that has fewer notes
    density: tuple[float, float] | None = None
    register: tuple[float, float] | None = None  # likewise: that has lower melodies
    lowest: int = PITCHES.start  # pitch
    highest: int = PITCHES.stop - 1
    scale: bool = False  # only pitches of the key
    guidance: float = 2.0  # how much more than it learned a model follows density and register

    def __post_init__(self) -> None:
        require(self.bars is None or self.bars >= 1, "bars", self.bars, "1 or more")
        require(self.tempo is None or 1 <= self.tempo <= 1000, "tempo", self.tempo, "1 to 1000")
        for name in ("density", "register"):
            value = getattr(self, name)
            holds = value is None or all(0 <= part <= 1 for part in value)
            require(holds, name, value, "values from 0 to 1")
        require(0 < self.guidance <= 10, "guidance", self.guidance, "above 0, at most 10")
        holds = 0 <= self.lowest <= self.highest <= 127
        require(holds, "range of pitches", (self.lowest, self.highest), "0 to 127, lowest first")
