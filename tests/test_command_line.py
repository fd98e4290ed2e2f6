"""`audio-rnn`: what goes in, what comes out, and every way it can end."""

from __future__ import annotations

import io
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audio_rnn import __version__
from audio_rnn.__main__ import COMMANDS, RECIPES, main
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.threads import take_second, two_at_once
from tests.small_model import save_small_model, write_sounds

FORMATS = ("txt", "json", "srt", "vtt", "tsv", "ctm", "TextGrid")
COMMAND = [sys.executable, "-m", "audio_rnn"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("run"))


@pytest.fixture
def files(tmp_path) -> list[Path]:
    return write_sounds(tmp_path / "in", 1.0, 2.0)


@pytest.fixture
def run(model, capsys):
    """Transcribe in this process: (exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main(["transcribe", "--model", str(model), *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def expected(model: Path, *files: Path) -> list[str]:
    transcriber = Transcriber.load(model, device="cpu")
    return [transcriber.transcribe(path).text for path in files]


@pytest.mark.parametrize("said", [None, "1", "2"])
def test_a_second_thread_is_taken_where_nobody_says_how_many(said, run, model, files, monkeypatch):
    text = expected(model, files[1])[0]
    monkeypatch.setenv("OMP_NUM_THREADS", said or "")
    if said is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    try:
        assert run(files[1])[:2] == (0, text + "\n")
        assert two_at_once() == (said is None)
        assert os.environ["OMP_NUM_THREADS"] == (said or "1")
    finally:
        take_second(False)


def test_one_file_prints_its_text_and_nothing_else(run, model, files):
    status, out, err = run(files[0])
    assert (status, out) == (0, expected(model, files[0])[0] + "\n")
    assert err.startswith("1 transcribed, 0 failed (1.0 s of audio in ")
    assert err.count("\n") == 1


def test_several_files_have_their_name_before_the_text(run, model, files):
    one, two = expected(model, *files)
    _, out, _ = run(*files)
    assert out == f"{files[0]}: {one}\n{files[1]}: {two}\n"


def test_a_bad_file_is_named_and_the_others_are_done(run, files, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("no sound at all")
    status, out, err = run(files[0], text, files[1])
    assert status == 1
    assert [line.split(":")[0] for line in out.splitlines()] == [str(files[0]), str(files[1])]
    failure, summary = err.splitlines()
    assert failure.startswith(f"failed: {text}: found no audio format that is known")
    assert failure.count(str(text)) == 1
    assert summary.startswith("2 transcribed, 1 failed")


def test_folders_patterns_and_lists_name_the_same_files_once(run, files, tmp_path, monkeypatch):
    folder = files[0].parent
    (folder / "notes.txt").write_text("not audio")
    (folder / "._hidden.wav").write_text("not audio")
    deep = write_sounds(folder / "a" / "b", 0.5, extension=".FLAC")[0]
    listing = tmp_path / "list.txt"
    listing.write_text(f"{files[1]}\n\n{deep}\n")
    everything = [str(deep), *map(str, files)]

    def named(*arguments: object) -> list[str]:
        status, out, _ = run(*arguments, "--format", "json")
        assert status == 0
        return [json.loads(line)["path"] for line in out.splitlines()]

    assert named(folder) == everything
    assert named(folder, files[0], folder / "sound*.wav") == everything
    assert named(f"{folder}/**/*.FLAC") == [str(deep)]
    assert named("--list", listing) == [str(files[1]), str(deep)]
    monkeypatch.chdir(folder)
    assert named("s*1.wav", "a") == ["sound1.wav", "a/b/sound0.FLAC"]


def test_links_to_folders_are_followed_but_not_in_circles(run, files, tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "disk").symlink_to(files[0].parent, target_is_directory=True)
    (files[0].parent / "up").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder, target_is_directory=True)
    status, out, _ = run(folder, "--format", "json")
    paths = [json.loads(line)["path"] for line in out.splitlines()]
    assert (status, paths) == (0, [str(folder / "disk" / path.name) for path in files])


def test_an_empty_name_is_refused(run):
    status, out, err = run("")
    assert (status, out) == (1, "")
    assert err.startswith("error: inputs: found an empty name")


def test_standard_input(run, model, files, monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(files[0].read_bytes()))
    stdin.buffer.name = "<stdin>"
    monkeypatch.setattr(sys, "stdin", stdin)
    status, out, _ = run("-")
    assert (status, out) == (0, expected(model, files[0])[0] + "\n")


def test_standard_input_through_a_pipe_into_a_folder(model, files, tmp_path):
    command = [*COMMAND, "transcribe", "--model", model, "-", files[1], "--output", tmp_path]
    with subprocess.Popen(["cat", str(files[0])], stdout=subprocess.PIPE) as cat:
        subprocess.run(command, stdin=cat.stdout, check=True, capture_output=True)
    one, two = expected(model, *files)
    assert (tmp_path / "stdin.txt").read_text() == one + "\n"
    assert (tmp_path / "sound1.txt").read_text() == two + "\n"


def test_every_format_at_once_into_a_folder(run, files, tmp_path):
    output = tmp_path / "new" / "out"
    status, out, _ = run(*files, "--output", output, "--format", *FORMATS)
    assert (status, out) == (0, "")
    names = {f"sound{i}.{name}" for i in (0, 1) for name in FORMATS}
    assert {path.name for path in output.iterdir()} == names
    assert json.loads((output / "sound1.json").read_text())["duration"] == 2.0


def test_standard_output_of_a_file_equals_the_file(run, files, tmp_path):
    for name in FORMATS:
        _, out, _ = run(files[0], "--format", name)
        run(files[0], "--format", name, "--output", tmp_path, "--overwrite")
        assert (tmp_path / f"sound0.{name}").read_text() == out


def test_several_files_on_standard_output_can_be_told_apart(run, files):
    for name in ("srt", "vtt", "tsv", "TextGrid"):
        _, out, _ = run(*files, "--format", name)
        assert [line for line in out.splitlines() if line.startswith("==>")] == [
            f"==> {path} <==" for path in files
        ]
    _, out, _ = run(*files, "--format", "ctm")
    assert {line.split()[0] for line in out.splitlines()} == {"sound0", "sound1"}
    _, out, _ = run(files[0], "--format", "txt", "json")
    assert out.count("==>") == 2
    assert f"==> {files[0]} (json) <==" in out


def test_an_output_that_exists_is_replaced_at_once(run, files, tmp_path, monkeypatch):
    output = tmp_path / "out"
    run(files[0], "--output", output)
    whole = (output / "sound0.txt").read_text()
    (output / "sound0.txt").write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    status, _, err = run(files[0], "--output", output, "--overwrite")
    assert (status, err) == (1, f"error: {output}/sound0.txt: cannot be written: disk full\n")
    assert [path.read_text() for path in output.iterdir()] == ["old"]
    monkeypatch.undo()
    run(files[0], "--output", output, "--overwrite")
    assert (output / "sound0.txt").read_text() == whole


def full_disk(descriptor: int) -> None:
    raise OSError(28, "disk full")


def test_user_mistakes_are_one_line_and_status_one(run, model, files, tmp_path, capsys):
    blank = tmp_path / "blank.txt"
    blank.write_text("\n")
    zeros = tmp_path / "zeros.txt"
    zeros.write_bytes(b"a\0b\n")
    mistakes = [
        ([], "inputs: found none"),
        (["--list", blank], "found no line"),
        (["--list", zeros], "found zero bytes"),
        (["--list", tmp_path / "none.txt"], "cannot be read as a list of files"),
        ([files[0], "--output", files[1]], "no folder can be made here"),
        ([files[0], "--batch-seconds", "0"], "batch_seconds: found 0"),
        ([files[0], "--format"], "--format: found none"),
        (["--hotwords", "abc", files[0]], "before options that take several values"),
        ([files[0], "--format", "srt", files[1]], f"found '{files[1]}', expected one or more of"),
        (["--format", "srt", files[1]], "inputs stand before --format"),
    ]
    for arguments, message in mistakes:
        status, out, err = run(*arguments)
        assert (status, out, err.count("\n")) == (1, "", 1), (arguments, err)
        assert err.startswith("error: "), err
        assert message in err
    assert main(["transcribe", "--model", str(tmp_path / "none"), str(files[0])]) == 1
    assert "no such folder" in capsys.readouterr().err
    assert main(["transcrib"]) == 1
    assert "did you mean 'transcribe'?" in capsys.readouterr().err


def test_a_command_without_arguments_names_all_that_it_needs(capsys):
    assert main(["transcribe"]) == 1
    assert "expected inputs and a model, as in audio-rnn transcribe" in capsys.readouterr().err


def test_who_looks_for_training_is_sent_to_the_recipes(capsys):
    assert main(["train"]) == 1
    script = "python -m recipes.speech_recognition.train --help"
    assert capsys.readouterr().err.endswith(f"; it is a recipe: {script}\n")
    assert main(["help"]) == main(["--help"]) == 0
    assert f"Models are trained by recipes: {script}\n" in capsys.readouterr().out
    for name in RECIPES:
        assert (Path(__file__).parents[1] / f"recipes/speech_recognition/{name}.py").exists()


def test_a_link_to_itself_is_a_failure(run, files, tmp_path):
    loop = tmp_path / "loop.wav"
    loop.symlink_to(loop)
    status, out, err = run(files[0], loop)
    assert status == 1 and out
    assert "loop.wav: cannot be read: Too many levels of symbolic links" in err


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["transcribe", "--stream"]])
def test_help_states_one_default_an_option(command, capsys):
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    out = capsys.readouterr().out
    assert command[0] in out
    assert "Default:" not in out  # beside the (default: None) that tyro prints
    assert "(default: )" not in out


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["transcribe", "--help"], ["tag", "--help"], ["detect", "--help"], ["--version"]],
)
def test_help_is_quick_and_imports_no_torch(arguments):
    code = (
        "import sys; from audio_rnn.__main__ import main\n"
        "try:\n status = main(sys.argv[1:])\nexcept SystemExit as end:\n status = end.code\n"
        "heavy = {'torch', 'torchaudio', 'librosa', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else status)"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stderr
    assert min(seconds) < 1.0  # of the processor, whatever else the machine does; 0.3 when free
    assert (__version__ if "--version" in arguments else "audio-rnn") in done.stdout


def start(model: Path, *arguments: object, **streams: object) -> subprocess.Popen:
    command = [*COMMAND, "transcribe", "--model", model, *arguments]
    return subprocess.Popen(list(map(str, command)), **streams)


@pytest.mark.parametrize("into_folder", [False, True])
def test_interruption_tells_what_is_done_and_kept(model, files, tmp_path, into_folder):
    pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    output = tmp_path / "out"
    options = ["--output", output] if into_folder else []
    with start(model, files[0], "-", "--batch-seconds", 0.01, *options, **pipe) as process:
        if into_folder:
            wait_for(output / "sound0.txt")
        else:
            assert process.stdout.readline()
        time.sleep(0.2)  # the first file is done, standard input never ends
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        kept = f"; finished outputs are kept in {output}" if into_folder else ""
        message = f"interrupted: 1 transcribed, 0 failed of 2{kept}\n"
        assert process.stderr.read().decode() == message
    if into_folder:
        assert (output / "sound0.txt").read_text() == expected(model, files[0])[0] + "\n"


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise TimeoutError(path)


def test_a_reader_that_leaves_is_no_error(model, files):
    many = [path for i in range(4) for path in write_sounds(files[0].parent / str(i), 1.0)]
    with start(
        model, *many, "--batch-seconds", 0.01, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


def test_a_progress_bar_on_a_terminal_only(model, files):
    terminal, end = pty.openpty()
    with start(model, *files, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        out = process.stdout.read().decode()
        shown = b""
        while chunk := read_terminal(terminal):
            shown += chunk
    assert b"transcribing" in shown
    assert b"2/2" in shown
    assert b"2 transcribed, 0 failed" in shown
    assert out.count("\n") == 2
    assert "transcribing" not in out


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # what Linux says when the other end is closed
        return b""
