"""What people choose for decoding; light to import, because the command line shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from audio_rnn.errors import DecodingError

BOOST = 1.5  # nats a letter of a hotword
NUMBERED = re.compile(r"(?<=.)\(\d+\)$")  # READ(2): another pronunciation, in the CMU dictionary


@dataclass(frozen=True)
class DecodingConfig:
    """Greedy decoding, or with any of these a beam search that heeds all of them."""

    lm: Path | None = None
    """Language model: an ARPA file (.gz too) of words, or of the model's symbols with ▁ as space.
    audio-rnn lm train makes one."""
    neural_lm: Path | None = None
    """Recurrent language model of the model's symbols, which joins the search.
    A run folder of recipes.language_model."""
    rescorer: Path | None = None
    """The same, of words too, for a model that judges the texts which the search has found."""
    lexicon: Path | None = None
    """Text file with the only words that may be written, one a line.
    Or in every line a word and, after it, the symbols that pronounce it."""
    hotwords: Annotated[tuple[str, ...], tyro.conf.arg(help_behavior_hint="(default: none)")] = ()
    """Words or phrases to favour; name the inputs before them.
    Without --lm and --lexicon, the words of the training texts are known as well."""
    hotwords_from: Path | None = None
    """Text file with more of them, one a line, each with a boost of its own after a tab if wanted."""
    hotword_boost: float | None = None
    """Nats that each letter of a hotword earns; more finds more of them, also where none was said.
    None: 1.5."""
    beam_width: int | None = None
    """Prefixes that the search keeps; without any of these options, greedy decoding. None: 50."""
    lm_weight: float | None = None
    """Of --lm against the sound. None: as evaluate --tune found it, else 0.5."""
    neural_weight: float | None = None
    """Of --neural-lm. None: as tuned, else 0.5."""
    rescorer_weight: float | None = None
    """Of --rescorer. None: as tuned, else 0.5."""
    word_bonus: float | None = None
    """Nats a word, against a language model's liking for few. None: as tuned, else 1."""

    unknown_cost: float | None = None
    """Nats that a word costs which --lm does not know. None: 8."""
    letter_cost: float | None = None
    """Nats that each letter of it costs beyond those that a known word begins with. None: 1.5."""

    @property
    def greedy(self) -> bool:
        """Whether nothing here asks for a search."""
        asked = self.models or self.has_hotwords
        return not asked and self.lexicon is None and self.beam_width is None

    @property
    def has_hotwords(self) -> bool:
        """Whether there are any, named here or in a file."""
        return bool(self.hotwords) or self.hotwords_from is not None

    @property
    def models(self) -> list[Path]:
        """The language models."""
        found = self.lm, self.neural_lm, self.rescorer
        return [path for path in found if path is not None]


def check_used(config: DecodingConfig) -> None:
    """Raises DecodingError for a weight or boost of something that is not there."""
    needs = {
        "lm_weight": ("--lm", config.lm),
        "unknown_cost": ("--lm", config.lm),
        "letter_cost": ("--lm", config.lm),
        "neural_weight": ("--neural-lm", config.neural_lm),
        "rescorer_weight": ("--rescorer", config.rescorer),
        "word_bonus": ("--lm, --neural-lm or --rescorer", config.models),
        "hotword_boost": ("--hotwords or --hotwords-from", config.has_hotwords),
    }
    for name, (option, there) in needs.items():
        value = getattr(config, name)
        if value is not None and not there:
            raise DecodingError(
                f"{name}: found {value} without anything that it counts for, expected {option}; "
                f"give it, or leave {name} out"
            )


def read_lines(path: Path, what: str) -> list[str]:
    """Lines with text in them. Raises DecodingError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DecodingError(f"{path}: cannot be read: {reason}; expected {what}") from None
    return [line for line in lines if line.strip()]


def read_lexicon(path: Path) -> list[str] | dict[str, list[list[str]]]:
    """The words of a lexicon, with their pronunciations if each line has one.

    Raises: DecodingError naming file and entry of what is neither.
    """
    entries = [line.split() for line in read_lines(path, "one word a line")]
    if not entries:
        raise DecodingError(f"{path}: found no word, expected one a line")
    plain = [len(entry) == 1 for entry in entries]
    if all(plain):
        return [word for (word,) in entries]
    if any(plain):
        number = plain.index(True)
        raise DecodingError(
            f"{path}: entry {number + 1}: found {entries[number][0]!r} by itself, expected its "
            "pronunciation, too, as other words have one; or leave out all of them"
        )
    found: dict[str, list[list[str]]] = {}
    for word, *symbols in entries:
        found.setdefault(NUMBERED.sub("", word), []).append(symbols)
    return found


def read_hotwords(path: Path, boost: float) -> dict[str, float]:
    """Phrases with their boosts, `boost` where none is given. Raises DecodingError."""
    phrases = {}
    for line in read_lines(path, "a word or phrase a line"):
        phrase, tab, own = line.partition("\t")
        if not phrase.strip():
            raise DecodingError(f"{path}: found {line!r}, expected a word or phrase before the tab")
        try:
            phrases[phrase.strip()] = float(own) if tab else boost
        except ValueError:
            raise DecodingError(
                f"{path}: {phrase!r}: found boost {own!r}, expected a number after the tab"
            ) from None
    if not phrases:
        raise DecodingError(f"{path}: found no hotword, expected one a line; leave the option out")
    return phrases


def all_hotwords(config: DecodingConfig) -> dict[str, float]:
    """Those of the file and those named, which have the last word. Raises DecodingError."""
    boost = BOOST if config.hotword_boost is None else config.hotword_boost
    named = dict.fromkeys(config.hotwords, boost)
    if config.hotwords_from is None:
        return named
    return read_hotwords(config.hotwords_from, boost) | named
