"""Commands that do the same to many files: which, where the results go, and the work itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import tyro

if TYPE_CHECKING:
    from rich.progress import Progress

    from audio_rnn.audio import Source
    from audio_rnn.cli.inputs import Inputs
    from audio_rnn.cli.outputs import Outcome, Results
    from audio_rnn.inference.failure import Failure

    T = TypeVar("T", bound=Outcome)


@dataclass(frozen=True)
class FileOptions:
    """Files to read, and a folder for what comes of them."""

    inputs: Annotated[
        tuple[str, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="[INPUT ...]", help_behavior_hint="(default: none)"),
    ] = ()
    """Audio files, folders (all audio below them), patterns in quotes, - for standard input."""
    list: Path | None = None
    """File that names one more input a line."""
    output: Path | None = None
    """Folder for NAME.FORMAT files; below it, a folder that is an input keeps its sub-folders.
    Without it, standard output."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace files that exist already."""


def collect_files(options: FileOptions) -> Inputs:
    """What the options mean. Raises InputError."""
    from audio_rnn.cli.inputs import collect

    return collect(options.inputs, options.list)


def work_through(
    inputs: Inputs,
    results: Results[T],
    work: Callable[[Sequence[Source]], Iterable[T | Failure]],
    doing: str,
) -> int:
    """Do the work, report on standard error, return the exit status.

    `work` gives one result for each source, in order; `doing` is its name beside the progress bar.
    """
    began = time.monotonic()
    try:
        for failure in inputs.failures:
            results.fail(failure)
        sources = [recording.source for recording in inputs.recordings]
        with _progress() as progress:
            task = progress.add_task(doing, total=len(sources))
            for outcome in work(sources):
                results.add(outcome)
                progress.advance(task)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(results.interrupted()) from None
    print(results.summary(time.monotonic() - began), file=sys.stderr)
    return 1 if results.failed else 0


def _progress() -> Progress:
    """A bar on standard error when that is a terminal, nothing otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining()
    return Progress(
        *columns,
        console=console,
        disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),  # text in a pipe must not come out on the terminal
    )
