"""docs/decoding.md: its commands and its Python, run as they stand on small models."""

from __future__ import annotations

import io
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audio_rnn.__main__ import main
from audio_rnn.audio import write_audio
from audio_rnn.config import from_command_line
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import Vocabulary
from recipes.language_model import prepare_default
from recipes.language_model.train import RecipeConfig
from recipes.speech_recognition import evaluate, weights
from tests.inference.test_decoders import save_language_model
from tests.small_model import RATE, causal_model, save_small_model, sound

REPO = Path(__file__).parents[1]
TEXT = (REPO / "docs/decoding.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```bash\n(.*?)^```", TEXT, re.M | re.S)
    for command in block.splitlines()
    if "benchmarks." not in command
]
OURS = ".venv/bin/"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A model of the embedded corpus's letters, and some of its recordings, which are noise."""
    folder = tmp_path_factory.mktemp("document")
    audio = folder / "data/default/audio"
    audio.mkdir(parents=True)
    for number in ("00244", "00071"):
        write_audio(audio / f"test-{number}.flac", sound(1.0), RATE)
    row = {
        "id": "a",
        "duration": 1.0,
        "audio": "audio/test-00244.flac",
        "text": "turn on the light",
    }
    for split in ("valid", "test"):
        (folder / f"data/default/{split}.jsonl").write_text(json.dumps(row) + "\n")
    prepare_default.prepare(prepare_default.Options(folder / "data/debug_text", 800, 5, 5))
    letters = Vocabulary.load(folder / "data/debug_text/vocabulary.txt")
    torch.manual_seed(3)
    model = SpeechModel(causal_model().config, letters)
    with torch.no_grad():
        model.acoustic.output.weight.mul_(20)
    save_small_model(folder / "runs/default_causal", model.eval())
    save_language_model(folder / "runs/commands", letters)
    return folder


def run(command: str) -> None:
    """In this process what is ours, in a shell what is not."""
    source, pipe, ours = command.rpartition(f" | {OURS}")
    if pipe:
        data = subprocess.run(["bash", "-ec", source], capture_output=True, check=True).stdout
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
    elif not command.startswith(OURS):
        print(subprocess.run(["bash", "-ec", command], capture_output=True, check=True).stdout)
        return
    program, *words = shlex.split(ours.removeprefix(OURS))
    if program == "audio-rnn":
        assert main(words) == 0
    else:
        run_recipe(words[1], words[2:])


def run_recipe(module: str, words: list[str]) -> None:
    """Trained is nothing, but its config must load."""
    if module == "recipes.language_model.train":
        words[words.index("--config") + 1] = str(REPO / words[words.index("--config") + 1])
        assert from_command_line(RecipeConfig, "", words).run_dir == Path("runs/commands")
    elif module == "recipes.language_model.prepare_default":
        assert words == ["--output", "data/debug_text"]
    else:
        assert module == "recipes.speech_recognition.evaluate"
        sys.argv = ["evaluate", *words]
        evaluate.main()


def test_the_commands_run_one_after_the_other(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "stdin", sys.stdin)
    monkeypatch.setattr(sys, "argv", sys.argv)
    for name, values in weights.GRIDS.items():
        monkeypatch.setitem(weights.GRIDS, name, values[:2])
    assert len(COMMANDS) == 26
    texts = {}
    for command in COMMANDS:
        run(command)
        texts[command] = capsys.readouterr().out
        assert texts[command] or ">" in command or " lm train " in command or "-m " in command
    assert "18 e i g h t e e n " in texts["grep -E '^(18|times) ' data/spelled.txt"]
    assert len((folder / "data/words.txt").read_text().split()) > 50
    offline, streamed = (c for c in COMMANDS if c.endswith("--format json") and "--neural-lm" in c)
    told = [json.loads(line)["text"] for line in texts[streamed].splitlines()]
    assert " ".join(told) == json.loads(texts[offline])["text"] != ""


def test_every_option_is_told():
    options = "lm neural-lm rescorer lexicon hotwords hotwords-from beam-width word-bonus tune"
    for option in [*options.split(), "lm-weight", "neural-weight", "hotword-boost"]:
        assert f"--{option}" in TEXT


def test_the_python_prints_the_best_texts(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    run(next(command for command in COMMANDS if "-o data/commands.arpa.gz" in command))
    capsys.readouterr()
    [code] = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    exec(compile(code, "docs/decoding.md", "exec"), {})
    scores = [float(line.split()[0]) for line in capsys.readouterr().out.splitlines()]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
