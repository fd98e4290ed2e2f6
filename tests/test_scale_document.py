"""docs/scale.md: its commands, run as they stand; its arithmetic."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from audio_rnn.__main__ import main
from audio_rnn.config import from_command_line
from audio_rnn.data.shards import index_path, read_index
from recipes import index_shards, shard
from recipes.speech_recognition import prepare_default
from recipes.speech_recognition.config import from_arguments
from recipes.speech_recognition.evaluate import Options, evaluate
from recipes.speech_recognition.train import train

REPO = Path(__file__).parents[1]
TEXT = (REPO / "docs/scale.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
    for command in block.splitlines()
]
RATE, BATCH, HOURS = 2900, 400, 100_000  # seconds a second, seconds, hours


def options(words: list[str]) -> dict[str, str]:
    return dict(zip(words[::2], words[1::2]))


def run(command: str) -> None:
    program, *words = shlex.split(command)
    if program.endswith("audio-rnn"):
        assert main(words) == 0
    elif program.endswith("torchrun"):
        start = [sys.executable, "-m", "torch.distributed.run", *words]
        environment = {**os.environ, "PYTHONPATH": str(REPO)}
        done = subprocess.run(start, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
    else:
        run_recipe(words[1], words[2:])


def run_recipe(module: str, words: list[str]) -> None:
    """In this process."""
    if module.endswith("prepare_default"):
        given = options(words)
        counts = [int(given[f"--{split}-utterances"]) for split in shard.SPLITS]
        names = [f"{split}_utterances" for split in shard.SPLITS]
        prepare_default.prepare(
            prepare_default.Options(Path(given["--output"]), **dict(zip(names, counts)))
        )
    elif module == "recipes.shard":
        given = options(words[1:])
        output, seconds = Path(given["--output"]), float(given["--seconds"])
        shard.prepare(shard.Options(Path(words[0]), output, seconds))
    elif module == "recipes.index_shards":
        index_shards.prepare(index_shards.Options(Path(words[0]), options(words[1:])["--split"]))
    elif module == "recipes.speech_recognition.evaluate":
        given = options(words)
        evaluate(Options(Path(given["--model"]), Path(given["--manifest"])))
    else:
        assert module == "recipes.speech_recognition.train"
        train(from_arguments("", words))


def test_the_commands_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPO / "conf", "conf")
    assert len(COMMANDS) == 8
    for command in COMMANDS:
        run(command)
    for name in ("debug_shards", "debug_two"):
        assert Path(f"runs/{name}/model/model.json").exists()
    parts = len(read_index(index_path(Path("data/debug_shards"), "test")).names)
    assert len(Path("transcripts/000000.jsonl").read_text().splitlines()) == 12
    assert len(list(Path("share_1").glob("[0-9]*.jsonl"))) == -(-parts // 2)


ROWS = [line for line in TEXT.splitlines() if re.match(r"\| (8|16|32|64) \|", line)]


@pytest.mark.parametrize("row", ROWS)
def test_the_arithmetic_is_that_of_its_constants(row):
    gpus, hours, read, recordings, shards, steps, gradients = (
        float(cell.replace(",", "")) for cell in row.strip("| ").split(" | ")
    )
    megabytes = float(re.findall(r"(\d+(?:\.\d)?) MB an hour", TEXT)[0])
    assert hours == pytest.approx(HOURS / RATE / gpus, abs=0.06)
    assert read == pytest.approx(RATE * gpus * megabytes / 3.6e6, rel=0.03)
    assert recordings == RATE * gpus / 10
    assert shards == pytest.approx(RATE * gpus / 3600, abs=0.06)
    assert steps == pytest.approx(HOURS * 3600 / BATCH / gpus, abs=1)
    ring = 2 * (gpus - 1) / gpus * 20e6 * 4  # bytes that a GPU sends at each step
    assert gradients == pytest.approx(ring * RATE / BATCH / 1e9, abs=0.06)


def test_there_are_rows():
    assert len(ROWS) == 4


def test_what_is_measured_on_a_gpu_is_there():
    """The commands of benchmarks/on_gpu.sh, up to the point where they would begin."""
    script = (REPO / "benchmarks/on_gpu.sh").read_text(encoding="utf-8")
    assert "sh benchmarks/on_gpu.sh" in TEXT
    limits = [int(limit) for limit in re.findall(r"^within (\d+) -m", script, re.M)]
    assert len(limits) == 7 and sum(limits) < 600
    for name, words in re.findall(r"^within \d+ -m (benchmarks\.\w+) (.*)$", script, re.M):
        from_command_line(import_module(name).Options, "", shlex.split(words))
