"""`audio-rnn COMMAND ...`, or `python -m audio_rnn COMMAND ...`.

A command is a module with `main(arguments) -> exit status`, imported only when it is called: what
--help prints must not wait for torch.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from audio_rnn import __version__
from audio_rnn.cli.shell import exit_status
from audio_rnn.errors import InputError
from audio_rnn.threads import take_second

COMMANDS = {
    "transcribe": ("audio_rnn.cli.transcribe", "audio files to text with times"),
    "align": ("audio_rnn.cli.align", "a recording and its text to times of every word"),
    "tag": ("audio_rnn.cli.tag", "audio files to what is heard in them"),
    "detect": ("audio_rnn.cli.detect", "audio files to what is heard in them, and when"),
    "generate": ("audio_rnn.cli.generate", "music from a trained model, as MIDI and sound"),
    "score": ("audio_rnn.cli.score", "how likely a piece of music is, note by note"),
    "lm": ("audio_rnn.cli.lm", "train n-gram language models, score texts with them"),
}
RECIPES = ("train", "evaluate")  # looked for here, though they are scripts beside the package


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistake is one line on standard error and exit status 1."""
    return exit_status(lambda: _dispatch(list(sys.argv[1:] if arguments is None else arguments)))


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("--help", "-h", "help"):
        print(_help(), end="")
        return 0
    if name == "--version":
        print(f"audio-rnn {__version__}")
        return 0
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        advice = f"did you mean {close[0]!r}?" if close else "see audio-rnn --help"
        if name in RECIPES:
            advice = f"it is a recipe: python -m recipes.speech_recognition.{name} --help"
        raise InputError(f"found command {name!r}, expected one of {', '.join(COMMANDS)}; {advice}")
    # A second thread made an hour of files 3.4 times slower (benchmarks/transcribe.py): the steps of
    # a recurrent network are too small to share, and OpenMP's threads spin while they wait.
    # What a second core is good for is the other direction of a layer.
    if "OMP_NUM_THREADS" not in os.environ:  # nobody has asked for one thread, or for others
        os.environ["OMP_NUM_THREADS"] = "1"
        take_second()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    module, _ = COMMANDS[name]
    return importlib.import_module(module).main(arguments[1:])


def _help() -> str:
    lines = [f"  {name:<12} {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: audio-rnn COMMAND [options]",
            "",
            "Recurrent networks over sound. Commands:",
            "",
            *lines,
            "",
            "audio-rnn COMMAND --help tells the options; --version the version.",
            "Models are trained by recipes: python -m recipes.speech_recognition.train --help",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
