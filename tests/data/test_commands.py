"""No command that fetches a shard outlives its reader."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audio_rnn.data.commands import output_of
from audio_rnn.data.tar import read_samples
from audio_rnn.errors import ShardError

# A command that starts another one, both of which write a line and then hang
HANGS = "pipe:bash -c 'echo $$ >> $0; (echo $BASHPID >> $0; sleep 300); sleep 300' {}"
READS = """
import sys
from audio_rnn.cli.shell import run_command
from audio_rnn.data.prefetch import ahead
from audio_rnn.data.tar import read_samples

run_command(lambda: len(list(ahead(read_samples(sys.argv[1], sys.argv[2])))))
"""
if not Path("/proc/self/stat").exists():
    pytest.skip("what runs is asked of /proc", allow_module_level=True)


def written(path: Path) -> list[int]:
    """The numbers of both processes, as soon as they run."""
    for _ in range(600):
        if path.exists() and len(numbers := path.read_text().split()) == 2:
            return [int(n) for n in numbers]
        time.sleep(0.05)
    raise AssertionError("the command does not run")


def ended(number: int) -> bool:
    """Whether there is no such process, within seconds."""
    for _ in range(100):
        status = Path(f"/proc/{number}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_command_that_hangs_ends_with_a_reader_that_is_stopped(tmp_path, number):
    told = tmp_path / "numbers"
    reader = subprocess.Popen([sys.executable, "-c", READS, HANGS, str(told)])
    running = written(told)
    reader.send_signal(number)
    assert reader.wait(30) == {signal.SIGINT: 130}.get(number, -number)
    assert all(map(ended, running))


def test_a_command_ends_with_a_reader_that_has_enough(tmp_path):
    told = tmp_path / "numbers"
    command = f"bash -c 'echo $$ >> $0; (echo $BASHPID >> $0; yes); yes' {told}"
    with pytest.raises(KeyboardInterrupt), output_of(command, "x") as stream:
        assert stream.readline() == b"y\n"
        running = written(told)
        raise KeyboardInterrupt
    assert all(map(ended, running))


def test_a_command_that_hangs_after_what_is_no_archive_ends(tmp_path):
    told = tmp_path / "numbers"
    command = "bash -c 'echo $$ >> $0; (echo $BASHPID >> $0; yes | head -c 50000; sleep 300)' {}"
    with pytest.raises(ShardError, match="no tar archive"):
        list(read_samples(f"pipe:{command}", str(told)))
    assert all(map(ended, written(told)))
