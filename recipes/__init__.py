"""Recipe scripts: prepare a corpus, train on it, evaluate."""

import os
import sys
from types import TracebackType

# Before torch is imported: OpenMP's threads wait for work by spinning, which starves all else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _say_interrupted(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """One line where Ctrl-C comes before a script's own handling of it, in seconds of imports."""
    if issubclass(kind, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[0] == "-m":  # `python -m` is about to run a script, no one else imports this
    sys.excepthook = _say_interrupted
