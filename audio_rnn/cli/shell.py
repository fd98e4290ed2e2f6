"""How a command ends: one line for a user's mistake, a non-zero status after any failure."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from audio_rnn.errors import InputError


def run_command(command: Callable[[], int | None]) -> NoReturn:
    """Run `command` and leave the process with its exit status.

    0 when all went well, 1 after a user's mistake or a partial failure, 130 after Ctrl-C.

    The process is left at once. All that `command` opened is closed by then; what Python and torch
    take apart at their end has crashed after a training that was done (exit status 139).
    """
    try:
        status = exit_status(command)
    except SystemExit as end:  # after --help, a wrong option or SIGTERM
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # which was told where it came first, if anybody listens
            stream.flush()
    os._exit(status)


def exit_status(command: Callable[[], int | None]) -> int:
    """Run `command`; messages for people go to standard error."""
    try:
        status = command() or 0
        sys.stdout.flush()  # or a full disk would go unnoticed
        return status
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
