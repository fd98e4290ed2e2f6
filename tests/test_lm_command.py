"""`audio-rnn lm`: from texts to models to perplexities, and every way it can end."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.__main__ import main
from audio_rnn.data.manifest import Utterance, write_manifest
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel

WALK = Path(__file__).parent / "decoding/ngram/golden/walk.txt"


@pytest.fixture
def run(capsys):
    """(exit status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        status = main(["lm", *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def table(text: str) -> dict[str, float]:
    """The numbers of a report."""
    return {name: float(n) for name, n in re.findall(r"^(.+?)  +(-?[\d.]+)", text, re.M)}


def test_train_writes_the_model_and_says_what_it_is(run, tmp_path):
    path = tmp_path / "walk.arpa.gz"
    status, out, err = run("train", WALK, "-o", path, "--order", "3")
    assert (status, out) == (0, "")
    assert err == f"{path}: 60 1-grams, 252 2-grams, 486 3-grams\n"
    assert NgramModel.load(path).score(["bal"]) == train(WALK.open(), 3).score(["bal"])


@pytest.mark.parametrize("unit", ["word", "character"])
def test_a_manifest_counts_as_its_texts(run, tmp_path, unit):
    texts = ["bal bat", "bat"]
    utterances = [Utterance(f"{i}", 1.0, audio="a.wav", text=t) for i, t in enumerate(texts)]
    write_manifest(tmp_path / "a.jsonl", utterances)
    (tmp_path / "a.txt").write_text("bal bat\nbat\n")
    for kind in ("txt", "jsonl"):
        text, model = tmp_path / f"a.{kind}", tmp_path / f"{kind}.arpa"
        assert run("train", text, "-o", model, "--unit", unit)[0] == 0
    assert (tmp_path / "txt.arpa").read_bytes() == (tmp_path / "jsonl.arpa").read_bytes()
    reports = [
        run("score", model, tmp_path / f"a.{kind}", "--unit", unit) for kind in ("txt", "jsonl")
    ]
    assert reports[0] == reports[1] and table(reports[0][1])["sentences"] == 2
    status, _, err = run("train", tmp_path / "no.jsonl", "-o", tmp_path / "c.arpa")
    assert status == 1 and "no.jsonl: cannot be read" in err


def test_score_tells_perplexity_with_and_without_unknown_words(run, tmp_path):
    run("train", WALK, "-o", tmp_path / "walk.arpa")
    (tmp_path / "text.txt").write_text("bal bal never\n\nbat\n")
    status, out, err = run("score", tmp_path / "walk.arpa", tmp_path / "text.txt")
    model = NgramModel.load(tmp_path / "walk.arpa")
    first, second = model.score(["bal", "bal", "never"]), model.score(["bat"])
    known = [*first[:2], first[3], *second]
    assert (status, err) == (0, "")
    assert table(out) == pytest.approx(
        {
            "sentences": 2,
            "words": 4,
            "unknown words": 1,
            "log10-probability": (sum(first) + sum(second)) / np.log(10),
            "perplexity": np.exp(-np.mean(first + second)),
            "perplexity without unknown words": np.exp(-np.mean(known)),
        },
        abs=6e-4,
    )
    assert "1 (25.00 %)" in out


def test_score_of_each_line(run, tmp_path):
    run("train", WALK, "-o", tmp_path / "walk.arpa")
    status, out, _ = run("score", tmp_path / "walk.arpa", WALK, "--per-line")
    lines = [line.split("\t") for line in out.splitlines() if "\t" in line]
    texts = WALK.read_text().splitlines()
    assert status == 0
    assert [line[2] for line in lines] == texts
    total = sum(float(line[0]) for line in lines)
    assert total == pytest.approx(table(out)["log10-probability"], abs=0.01)


def test_letters_are_words_and_the_space_is_marked(run, tmp_path):
    (tmp_path / "text.txt").write_text("AB BA\nBA  AB\n")
    run("train", tmp_path / "text.txt", "-o", tmp_path / "m.arpa", "--unit", "character")
    model = NgramModel.load(tmp_path / "m.arpa")
    assert set(model.words) == {"<s>", "</s>", "<unk>", "A", "B", "▁"}
    _, out, _ = run("score", tmp_path / "m.arpa", tmp_path / "text.txt", "--unit", "character")
    assert table(out)["words"] == 10
    assert table(out)["unknown words"] == 0


def test_a_vocabulary_and_pruning_make_a_smaller_model(run, tmp_path):
    (tmp_path / "words.txt").write_text("bal bar\nbat\n")
    arguments = ["--vocabulary", tmp_path / "words.txt", "--prune", "0", "1", "--order", "2"]
    run("train", WALK, "-o", tmp_path / "small.arpa", *arguments)
    model = NgramModel.load(tmp_path / "small.arpa")
    whole = train(WALK.open(), 2, ["bal", "bar", "bat"])
    assert set(model.words) == {"<s>", "</s>", "<unk>", "bal", "bar", "bat"}
    assert model.counts[1] < whole.counts[1]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_text_may_come_from_standard_input_and_be_packed(tmp_path, pack):
    command = [sys.executable, "-m", "audio_rnn", "lm", "train", "-", "-o", tmp_path / "m.arpa"]
    text = ("\ufeff" + WALK.read_text()).encode()
    done = subprocess.run(command, input=pack(text), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert NgramModel.load(tmp_path / "m.arpa").counts == train(WALK.open(), 3).counts


def test_default_discounts_are_said_on_standard_error(tmp_path):
    (tmp_path / "text.txt").write_text("a b\n")
    command = [sys.executable, "-m", "audio_rnn", "lm", "train", "text.txt", "-o", "m.arpa"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, text=True, check=True)
    assert "no discounts can be computed" in done.stderr


def test_help_comes_at_once(run):
    with pytest.raises(SystemExit) as ended:
        main(["lm", "train", "--help"])
    assert ended.value.code == 0
    command = [sys.executable, "-X", "importtime", "-m", "audio_rnn", "lm", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not re.findall(r"\| +(numba|torch|numpy|scipy)$", done.stderr, re.M)


def test_an_output_that_exists_is_kept(run, tmp_path):
    (tmp_path / "m.arpa").write_text("mine")
    status, _, err = run("train", WALK, "-o", tmp_path / "m.arpa")
    assert status == 1
    assert re.search(r"--output: found .*m\.arpa, expected none.*--overwrite", err)
    assert (tmp_path / "m.arpa").read_text() == "mine"
    assert run("train", WALK, "-o", tmp_path / "m.arpa", "--overwrite")[0] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found no text, expected a sentence a line"),
        (b"good\n\xff\xfe\n", r"text.txt:2: .*expected text in UTF-8"),
        (b"a b\nthen </s> here\n", r"text.txt: line 2: found </s>"),
        (gzip.compress(b"a b\n" * 999)[:-9], r"text.txt: cannot be read: "),
        (None, r"text.txt: cannot be read: No such file or directory; expected"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(run, tmp_path, content, message):
    if content is not None:
        (tmp_path / "text.txt").write_bytes(content)
    status, out, err = run("train", tmp_path / "text.txt", "-o", tmp_path / "m.arpa")
    assert (status, out) == (1, "")
    assert re.fullmatch(f"error: .*{message}.*\n", err) and err.count("text.txt") == 1
    assert not (tmp_path / "m.arpa").exists()


def test_an_output_that_has_no_folder_is_refused_before_any_work(run, tmp_path):
    status, _, err = run("train", WALK, "-o", tmp_path / "none" / "m.arpa")
    assert status == 1
    assert re.fullmatch(r"error: --output: found no folder .*none, expected one.*\n", err)


def test_a_model_that_cannot_be_used_is_named(run, tmp_path):
    (tmp_path / "m.arpa").write_text("\\data\\\nngram 1=3\n\n\\1-grams:\n-1\t<s>\n")
    status, _, err = run("score", tmp_path / "m.arpa", WALK)
    assert status == 1
    assert re.fullmatch(r"error: .*m\.arpa:5: the file ends here.*\n", err)


def test_nothing_to_score_is_a_failure(run, tmp_path):
    run("train", WALK, "-o", tmp_path / "m.arpa")
    (tmp_path / "empty.txt").write_text("\n")
    status, out, err = run("score", tmp_path / "m.arpa", tmp_path / "empty.txt")
    assert (status, out) == (1, "")
    assert "found no text" in err
