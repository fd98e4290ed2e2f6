"""Small tasks like those that people bring: folders with train and test, a folder a class in each."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks._own_sounds.clips import Task
from benchmarks._own_sounds.digits import digits, speakers, unbalanced
from benchmarks._own_sounds.events import birds, hidden_hits, machines
from benchmarks._own_sounds.instruments import instruments
from benchmarks._own_sounds.recordings import any_files, esc10, music_speech_noise

TASKS: Mapping[str, Task] = {
    task.__name__: task
    for task in (digits, speakers, instruments, machines, hidden_hits, birds, music_speech_noise,
                 esc10, any_files, unbalanced)
}  # fmt: skip
