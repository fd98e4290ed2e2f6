"""The classes that a tagger tells apart, in the order of its outputs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audio_rnn.errors import VocabularyError, reason


@dataclass(frozen=True)
class Classes:
    """Names of classes; any text on one line, commas, slashes and other scripts included."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises VocabularyError for names that are empty, on several lines, or there twice."""
        for name in self.names:
            if not name.strip() or name != name.strip() or len(name.splitlines()) > 1:
                raise VocabularyError(
                    f"found class name {name!r}, expected text on one line, without space around it"
                )
        if len(set(self.names)) < len(self.names) or not self.names:
            raise VocabularyError(
                f"found classes {', '.join(self.names) or 'none'}, expected each once, one at least"
            )

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The output of a class. Raises VocabularyError with the nearest name."""
        if name in self.names:
            return self.names.index(name)
        close = difflib.get_close_matches(name, self.names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(self.names[:20])}"
        raise VocabularyError(f"found class {name!r}, expected a class of the model; {hint}")

    @classmethod
    def of(cls, labels: Iterable[str]) -> Classes:
        """All labels, each once, sorted. Raises VocabularyError."""
        return cls(tuple(sorted(set(labels))))

    @classmethod
    def load(cls, path: Path) -> Classes:
        """Classes from a file, one a line. Raises VocabularyError."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise VocabularyError(
                f"{path}: cannot be read: {reason(error)}; run the recipe's prepare script first"
            ) from error
        return cls(tuple(line for line in lines if line))

    def save(self, path: Path) -> None:
        """Write one class a line."""
        path.write_text("".join(f"{name}\n" for name in self.names), encoding="utf-8")
