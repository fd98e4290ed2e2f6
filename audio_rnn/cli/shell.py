"""How a command ends: one line for a user's mistake, a non-zero status after any failure."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from audio_rnn.errors import InputError


def run_command(command: Callable[[], int | None]) -> None:
    """Run `command` and leave the process with its exit status.

    0 when all went well, 1 after a user's mistake or a partial failure, 130 after Ctrl-C.
    """
    sys.exit(exit_status(command))


def exit_status(command: Callable[[], int | None]) -> int:
    """Run `command`; messages for people go to standard error."""
    try:
        return command() or 0
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(str(error) or "interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except OSError as error:  # a full disk, a folder that cannot be written
        print(f"error: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        return 1
