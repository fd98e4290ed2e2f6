"""How a command ends, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import atexit, os, sys, threading
from audio_rnn.cli.shell import run_command
from audio_rnn.errors import InputError
def command():
    print("said")
    {end}
atexit.register(os.abort)  # stands for whatever crashes while the interpreter is taken apart
threading.Thread(target=threading.Event().wait).start()  # one that never ends
run_command(command)
"""


@pytest.mark.parametrize(
    ("end", "status", "message"),
    [
        ("return None", 0, ""),
        ("return 3", 3, ""),
        ("sys.exit(2)", 2, ""),
        ("raise InputError('found 1, expected 2')", 1, "error: found 1, expected 2\n"),
        ("raise KeyboardInterrupt('state saved')", 130, "state saved\n"),
    ],
)
def test_the_process_is_left_at_once_with_all_said(end: str, status: int, message: str) -> None:
    done = run(end, stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout, done.stderr) == (status, "said\n", message)


def test_an_output_that_cannot_be_written_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("return 0", stdout=full)
    assert done.returncode == 1 and "No space left on device" in done.stderr


def run(end: str, stdout: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE.format(end=end)]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60  # type: ignore[call-overload,no-any-return]
    )  # fmt: skip
