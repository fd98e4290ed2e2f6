"""Begin a speech model with the weights of another, whose vocabulary may differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from audio_rnn.config import differences, to_dict
from audio_rnn.errors import ConfigError
from audio_rnn.models.folder import load_weights
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import BLANK, Vocabulary

OUTPUTS = ("acoustic.output.weight", "acoustic.output.bias")  # a row for each symbol
FREE = {"acoustic.dropout", "acoustic.recurrent.dropout"}  # fields that no weight depends on


@dataclass(frozen=True)
class Inherited:
    """What became of the symbols."""

    known: tuple[str, ...]  # whose outputs were taken
    new: tuple[str, ...]  # whose outputs are learned from nothing
    unused: tuple[str, ...]  # which only the parent can write


def begin_with(model: SpeechModel, folder: Path) -> Inherited:
    """Give `model` all that the model in `folder` has: weights, statistics, rows of the output.

    The outputs of symbols which that model lacks stay as they were initialised.

    Raises: ModelError for a broken folder, ConfigError when the two are not built alike.
    """
    parent = SpeechModel.load(folder)
    _check_alike(model, parent, folder)
    rows = shared_rows(model.vocabulary, parent.vocabulary)
    own, theirs = model.state_dict(), parent.state_dict()
    outputs = {name: _with_rows(own[name], theirs[name], rows) for name in OUTPUTS}
    load_weights(model, {**theirs, **outputs}, folder)
    return _account(model.vocabulary, parent.vocabulary, rows)


def shared_rows(own: Vocabulary, other: Vocabulary) -> dict[int, int]:
    """Id -> id of the same symbol in another vocabulary; only the blank when the units differ."""
    if own.unit != other.unit:
        return {BLANK: BLANK}
    known = own.ids.keys() & other.ids.keys()
    return {BLANK: BLANK, **{own.ids[symbol]: other.ids[symbol] for symbol in known}}


def _check_alike(model: SpeechModel, parent: SpeechModel, folder: Path) -> None:
    found = differences(to_dict(model.config), to_dict(parent.config))
    problems = [
        f"model.{name}: found {own!r}, expected {theirs!r}"
        for name, (own, theirs) in found.items()
        if name not in FREE
    ]
    if problems:
        raise ConfigError(f"{'; '.join(problems)}, as {folder} has it; leave these fields out")


def _with_rows(own: Tensor, theirs: Tensor, rows: dict[int, int]) -> Tensor:
    """`own` (symbols, ...), whose rows that stand in `rows` are those of `theirs`."""
    result = own.clone()
    result[list(rows)] = theirs[list(rows.values())]
    return result


def _account(own: Vocabulary, other: Vocabulary, rows: dict[int, int]) -> Inherited:
    taken = set(rows.values())
    return Inherited(
        tuple(symbol for i, symbol in enumerate(own.symbols) if i in rows),
        tuple(symbol for i, symbol in enumerate(own.symbols) if i not in rows),
        tuple(symbol for i, symbol in enumerate(other.symbols) if i not in taken),
    )
