"""Begin a model with the weights of another, whose symbols or classes may differ."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from audio_rnn.config import differences, to_dict
from audio_rnn.errors import ConfigError
from audio_rnn.models.folder import load_weights
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import BLANK, Vocabulary

Rows = dict[int, int]  # row of the output -> row of the other model's output
SPEECH_FREE = {"acoustic.dropout", "acoustic.recurrent.dropout"}  # fields no weight depends on
SOUND_FREE = {
    "tagger.dropout",
    "tagger.recurrent.dropout",
    "tagger.pooling",
    "tagger.texture.dropout",
    "labels",
}


@dataclass(frozen=True)
class Inherited:
    """What became of the symbols or classes."""

    known: tuple[str, ...]  # whose outputs were taken
    new: tuple[str, ...]  # whose outputs are learned from nothing
    unused: tuple[str, ...]  # which only the parent can tell


def begin_speech(model: SpeechModel, folder: Path) -> Inherited:
    """Give `model` all that the model in `folder` has: weights, statistics, rows of the output.

    The outputs of symbols which that model lacks stay as they were initialised.

    Raises: ModelError for a broken folder, ConfigError when the two are not built alike.
    """
    parent = SpeechModel.load(folder)
    rows = shared_rows(model.vocabulary, parent.vocabulary)
    _take(model, parent, {"acoustic.output": rows}, SPEECH_FREE, folder)
    return _account(model.vocabulary.symbols, parent.vocabulary.symbols, rows)


def begin_sound(model: SoundModel, folder: Path) -> Inherited:
    """The same for a model of sounds and its classes.

    Raises: ModelError for a broken folder, ConfigError when the two are not built alike.
    """
    parent = SoundModel.load(folder)
    own, theirs = model.classes.names, parent.classes.names
    scores = {i: theirs.index(name) for i, name in enumerate(own) if name in theirs}
    attention = {i + len(own): j + len(theirs) for i, j in scores.items()}
    outputs, free = {"tagger.output": scores | attention}, SOUND_FREE
    if model.tagger.texture and parent.tagger.texture:
        outputs["tagger.texture.output"] = scores
        free = SOUND_FREE | {"tagger.texture.share"}
    _take(model, parent, outputs, free, folder)
    return _account(own, theirs, scores)


def shared_rows(own: Vocabulary, other: Vocabulary) -> Rows:
    """Id -> id of the same symbol in another vocabulary; only the blank when the units differ."""
    if own.unit != other.unit:
        return {BLANK: BLANK}
    known = own.ids.keys() & other.ids.keys()
    return {BLANK: BLANK, **{own.ids[symbol]: other.ids[symbol] for symbol in known}}


def _take(
    model: SpeechModel | SoundModel,
    parent: SpeechModel | SoundModel,
    outputs: Mapping[str, Rows],
    free: Set[str],
    folder: Path,
) -> None:
    """All weights of `parent`, but of its linear layers `outputs` only some rows."""
    _check_alike(model, parent, free, folder)
    own, theirs = model.state_dict(), parent.state_dict()
    weights = {
        name: _with_rows(own[name], theirs[name], rows)
        for output, rows in outputs.items()
        for name in (f"{output}.weight", f"{output}.bias")
    }
    load_weights(model, {**theirs, **weights}, folder)


def _check_alike(
    model: SpeechModel | SoundModel,
    parent: SpeechModel | SoundModel,
    free: Set[str],
    folder: Path,
) -> None:
    found = differences(to_dict(model.config), to_dict(parent.config))
    problems = [
        f"model.{name}: found {own!r}, expected {theirs!r}"
        for name, (own, theirs) in found.items()
        if name not in free
    ]
    if problems:
        raise ConfigError(f"{'; '.join(problems)}, as {folder} has it; leave these fields out")


def _with_rows(own: Tensor, theirs: Tensor, rows: Rows) -> Tensor:
    """`own` (outputs, ...), whose rows that stand in `rows` are those of `theirs`."""
    result = own.clone()
    result[list(rows)] = theirs[list(rows.values())]
    return result


def _account(own: tuple[str, ...], other: tuple[str, ...], rows: Rows) -> Inherited:
    taken = set(rows.values())
    return Inherited(
        tuple(name for i, name in enumerate(own) if i in rows),
        tuple(name for i, name in enumerate(own) if i not in rows),
        tuple(name for i, name in enumerate(other) if i not in taken),
    )
