"""What a command writes. The command ends with its reader, whatever ends that."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import DEVNULL, PIPE, Popen
from typing import IO

from audio_rnn.errors import ShardError

# Of a process that waits for the end of its input, which also comes when we are killed, and then
# kills a group. One that reads in vain would not notice that nobody reads of it.
GUARD = 'read _; kill -s KILL -- "-$0"'


@contextmanager
def output_of(command: str, shard: str) -> Iterator[IO[bytes]]:
    """What a command with {} for a shard writes, run without a shell; within, it is to be read.

    Raises: ShardError when it fails.
    """
    words = [word.replace("{}", shard) for word in shlex.split(command)]
    with tempfile.TemporaryFile() as errors:
        status = 0
        with _started(words, errors, shard) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
                while process.stdout.read(1 << 20):  # behind the end of the archive
                    pass
                status = _status(process)
            except ShardError:
                status = _status(process)
                if not status:
                    raise
        if status:
            errors.seek(0)
            said = " ".join(errors.read()[-500:].decode(errors="replace").split())
            raise ShardError(f"{shard}: {shlex.join(words)} ended with status {status}: {said}")


@contextmanager
def _started(words: list[str], errors: IO[bytes], shard: str) -> Iterator[Popen[bytes]]:
    """A command that runs in a group of its own, with all that it starts; at the end none is left."""
    try:
        process = Popen(words, stdin=DEVNULL, stdout=PIPE, stderr=errors, process_group=0)
    except OSError as error:
        raise ShardError(f"{shard}: {shlex.join(words)}: {error.strerror}") from error
    guard = ["sh", "-c", GUARD, str(process.pid)]
    with process, Popen(guard, stdin=PIPE, stderr=DEVNULL, start_new_session=True):
        yield process


def _status(process: Popen[bytes]) -> int:
    """Of a command whose output was read, or is no archive; 0 when it goes on."""
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return 0
