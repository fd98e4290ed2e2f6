"""The README's commands, run as they stand, in a copy of the repository beside some recordings."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import soundfile

REPO = Path(__file__).parents[1]
DOCUMENTS = [
    REPO / "README.md",
    *REPO.glob("recipes/*/README.md"),
    *REPO.glob("docs/*.md"),
    REPO / "CONTRIBUTING.md",
]
NOT_COPIED = {".venv", ".git", "data", "runs", "samples", "transcripts"}


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (REPO / "README.md").read_text(), re.M | re.S)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a user has it, without the results of other runs."""
    folder = tmp_path_factory.mktemp("readme") / "audio_rnn"
    shutil.copytree(REPO, folder, ignore=not_copied)
    (folder / ".venv").symlink_to(REPO / ".venv")
    os.utime(folder / "pyproject.toml", (0, 0))  # else make may install the copy into it
    return folder


def not_copied(folder: str, names: list[str]) -> set[str]:
    """What lies at the top of the repository and is not part of it."""
    return NOT_COPIED & set(names) if Path(folder) == REPO else set()


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def record(folder: Path) -> None:
    """A user's recordings with their texts: here, sentences of the embedded corpus."""
    (folder / "recordings").mkdir()
    import json

    lines = (folder / "data/default/train.jsonl").read_text().splitlines()[:60]
    for number, line in enumerate(map(json.loads, lines), 1):
        waveform, rate = soundfile.read(folder / "data/default" / line["audio"])
        soundfile.write(folder / f"recordings/{number}.wav", waveform, rate)
        (folder / f"recordings/{number}.txt").write_text(line["text"])


@pytest.mark.skipif(not (REPO / ".venv").exists(), reason="needs the .venv that make makes")
def test_the_commands_of_the_readme_do_what_it_says(copy: Path) -> None:
    demo, test, *commands = blocks("bash")
    assert (demo, test) == ("make demo\n", "make test\n")  # the latter is what runs this
    done = run(demo, copy)
    word_rate = float(re.findall(r"words .*?([\d.]+)%", done.stdout)[0])
    assert word_rate < 12  # the table says what it is; this finds a demonstration that fails
    assert list((copy / "runs/default/transcripts").glob("*.srt"))
    assert "trained already" in run(demo, copy).stderr  # a second run reuses what is there
    record(copy)
    for command in commands:
        run(command, copy)
    assert len(list((copy / "transcripts").glob("*.srt"))) == 60
    python = "\n".join(blocks("python"))
    printed = run(f".venv/bin/python - <<'END'\n{python}\nEND", copy).stdout
    assert re.search(r"\[\('\w+', [\d.]+, [\d.]+, [\d.]+\)", printed)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPO)))
def test_documents_name_only_what_exists(document: Path) -> None:
    text = document.read_text()
    for module in re.findall(r"python -m ((?:recipes|benchmarks|audio_rnn)[\w.]*)", text):
        if not re.search(r"[A-Z]{2}", module):
            path = REPO / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for path in re.findall(r"conf/[\w/]+\.yaml", text):
        assert (REPO / path).exists() or re.search(r"[A-Z]{2}", path), path
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (document.parent / target).exists(), target
