"""Converts the ABC tunes of a folder in a process of its own: `abc_child.py FOLDER`.

symusic's converter prints what is wrong with a tune to standard output and may end the process.
For each N.abc there will be N.txt, what it printed, and N.mid where it made one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path


def convert(folder: Path) -> None:
    """All tunes of a folder."""
    from symusic import Score

    for path in sorted(folder.glob("*.abc")):
        with path.with_suffix(".txt").open("wb") as messages:
            os.dup2(messages.fileno(), sys.stdout.fileno())
            with contextlib.suppress(RuntimeError, ValueError):
                score = Score.from_abc(path.read_text(encoding="utf-8"))
                path.with_suffix(".mid").write_bytes(score.dumps_midi())
            ctypes.CDLL(None).fflush(None)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
