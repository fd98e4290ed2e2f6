"""ARPA files as the field writes them, and every way they can be broken."""

from __future__ import annotations

import gzip
import logging
import os
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.ngram.arpa_block import make_lexicon, parse_block
from audio_rnn.decoding.ngram.arpa_lines import parse
from audio_rnn.decoding.ngram.arpa_reader import UNKNOWN_FLOOR, read_arpa
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.errors import LanguageModelError

AN4 = Path(__file__).parents[3] / "../shared/data/an4_mfcc/etc/an4.ug.lm"
GOLDEN = Path(__file__).parent / "golden/lmplz.arpa.gz"
MODEL = """\\data\\
ngram 1=5
ngram 2=3
ngram 3=1

\\1-grams:
-99\t<s>\t-0.3
-0.9\t</s>
-2\t<unk>
-0.5\ta\t-0.25
-0.7\tb\t-0.125

\\2-grams:
-0.2\t<s> a\t-0.1
-0.3\ta b\t-0.05
-0.4\tb </s>

\\3-grams:
-0.1\t<s> a b

\\end\\
"""
SCORES = np.array([-0.2, -0.1, -0.05 - 0.125 - 2, -0.5, -0.25 - 0.9]) * np.log(10)


def write(path: Path, text: str) -> Path:
    (path / "model.arpa").write_bytes(text.encode())
    return path / "model.arpa"


def scores(path: Path) -> list[float]:
    return NgramModel.load(path).score(["a", "b", "never", "a"])


def test_the_numbers_by_hand(tmp_path):
    np.testing.assert_allclose(scores(write(tmp_path, MODEL)), SCORES, rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", "  "),
        lambda text: text.replace("a b\t", "a\tb "),
        lambda text: "# made by hand\n\ndata: \\data\\ below\nngram 1=nr\n" + text,
        lambda text: text.replace("ngram 1=5", "ngram  1 = 5"),
        lambda text: text.replace("<unk>", "<UNK>"),
        lambda text: text.replace("-99", "-inf"),
        lambda text: text.replace("</s>\n-2", "</s>\t-99\n-2"),
        lambda text: text.replace("<s> a b\n", "<s> a b\t0\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: text.replace("-0.5\ta\t-0.25", "-0.5\ta\t-0.25\n-3\tno\u00a0break\u3000").replace("1=5", "1=6"),
    ],
    ids=["crlf", "spaces", "tabs", "noise", "counts", "UNK", "inf", "end", "zero", "cut", "unicode"],
)  # fmt: skip
def test_what_tools_write_differently_changes_nothing(tmp_path, change):
    text = change(MODEL)
    assert text != MODEL
    np.testing.assert_allclose(scores(write(tmp_path, text)), SCORES, rtol=1e-6)


def test_words_keep_white_space_that_is_not_ascii(tmp_path):
    path = write(tmp_path, MODEL.replace("\tb", "\tb\u00a0b").replace(" b", " b\u00a0b"))
    assert "b\u00a0b" in NgramModel.load(path).words


def test_gzip_is_known_by_its_content(tmp_path):
    (tmp_path / "model").write_bytes(gzip.compress(MODEL.encode()))
    np.testing.assert_allclose(scores(tmp_path / "model"), SCORES, rtol=1e-6)


def test_a_missing_unknown_word_gets_a_floor_and_a_warning(tmp_path, caplog):
    text = MODEL.replace("-2\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4")
    with caplog.at_level(logging.WARNING):
        model = NgramModel.load(write(tmp_path, text))
    assert "no <unk>" in caplog.text
    np.testing.assert_allclose(model.score(["never"], False, False), UNKNOWN_FLOOR * np.log(10))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", "model.arpa: found no line .data., expected an ARPA file"),
        ("ngram 1=5\n", "", "arpa:2: found 'ngram 2=3', expected ngram 1"),
        ("ngram 1=5\nngram 2=3\nngram 3=1\n", "", "arpa:3: found .*1-grams:', expected ngram 1=COUNT"),
        ("1=5", "1=4", "arpa:11: found '-0.7.tb.t-0.125' after 4 1-grams"),
        ("1=5", "1=6", r"arpa:12: found '', expected a log10-probability.*\(1-gram 6 of the 6 that .data. announces"),
        ("3=1", "3=99999999999", r"arpa:20: found '', expected.*\(3-gram 2 of the 99999999999 that"),
        ("2=3", "2=2", "arpa:16: found '-0.4.*' after 2 2-grams"),
        ("2=3", "2=4", r"arpa:17: found ''.*\(2-gram 4 of the 4 that"),
        ("ngram 3=1\n", "", "arpa:13: found back-off '-0.1' in the highest order"),
        ("\\2-grams:", "\\3-grams:", r"arpa:13: found .*3-grams:', expected .2-grams:"),
        ("-0.3\ta b", "-0.3x\ta b", "arpa:15: found '-0.3x', expected a number"),
        ("-0.3\ta b", "nan\ta b", "arpa:15: found 'nan', expected a number"),
        ("-0.3\ta b", "0.3\ta b", "arpa:15: found log10-probability '0.3', expected at most 0"),
        ("a b\t-0.05", "a b\tinf", "arpa:15: found 'inf', expected a number"),
        ("a b\t-0.05", "a b\t0.1\t0.2", "arpa:15: found .*, expected a log10-probability, 2 words"),
        ("-0.3\ta b", "-0.3\ta c", "arpa:15: found 'c', which is not among the 1-grams"),
        ("<s> a\t-0.1", "b a\t-0.1", "arpa:19: '<s> a b' begins with what is no 2-gram"),
        ("-0.4\tb </s>", "-0.4\ta b", "arpa:16: 'a b' stands twice"),
        ("-0.7\tb", "-0.7\ta", "arpa:11: 'a' stands twice"),
        ("-0.1\t<s> a b", "-0.1\t<s> a b\t-1", "arpa:19: found back-off '-1' in the highest order"),
        ("<s>", "<start>", "found no <s> among the 1-grams"),
        ("</s>", "<end>", "found no </s> among the 1-grams"),
        ("\n\\end\\\n", "", "arpa:19: the file ends here"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_line(tmp_path, old, new, message):
    text = MODEL.replace(old, new)
    assert text != MODEL
    with pytest.raises(LanguageModelError, match=message):
        NgramModel.load(write(tmp_path, text))


def test_an_ngram_may_end_with_what_is_none(tmp_path):
    path = write(tmp_path, MODEL.replace("-0.3\ta b", "-0.3\ta </s>"))
    np.testing.assert_allclose(
        scores(path)[1:3], np.array([-0.1, -0.125 - 2]) * np.log(10), rtol=1e-6
    )


def test_no_part_of_a_file_passes_for_the_whole(tmp_path):
    for size in range(len(MODEL.rstrip())):
        with pytest.raises(LanguageModelError):
            read_arpa(write(tmp_path, MODEL[:size]))


def test_no_part_of_a_gzip_file_passes_for_the_whole(tmp_path):
    path, whole = tmp_path / "cut.arpa.gz", GOLDEN.read_bytes()
    for size in (0, 1, 5, 100, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        with pytest.raises(LanguageModelError, match=r"cut\.arpa\.gz"):
            read_arpa(path)


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(LanguageModelError, match=r"none\.arpa: cannot be read: .*No such file"):
        NgramModel.load(tmp_path / "none.arpa")
    (tmp_path / "latin.arpa").write_bytes(
        MODEL.encode().replace(b"\tb", b"\t\xe9").replace(b" b", b" \xe9")
    )
    with pytest.raises(LanguageModelError, match=r"latin\.arpa:11: .*expected UTF-8"):
        NgramModel.load(tmp_path / "latin.arpa")


@pytest.mark.parametrize("name", ["copy.arpa", "copy.arpa.gz"])
def test_a_saved_model_is_the_same(tmp_path, name):
    model = NgramModel.load(GOLDEN)
    model.save(tmp_path / name)
    copy = NgramModel.load(tmp_path / name)
    assert (copy.words, copy.counts) == (model.words, model.counts)
    text = ["bat", "kak", "hur", "never", "kal", "bal", "fil", "huk", "huk"]
    assert copy.score(text) == model.score(text)
    first = (tmp_path / name).read_bytes()
    copy.save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_nothing_is_written_as_the_field_writes_it(tmp_path):
    NgramModel.load(write(tmp_path, MODEL.replace("-99", "-inf"))).save(tmp_path / "copy.arpa")
    assert "\n-99\t<s>\t" in (tmp_path / "copy.arpa").read_text()


NUMBERS = st.sampled_from(
    ["-1.25", "-0", "0", "-.5", "-3.", "-0.000012345", "-12.3456789", "-1e-3", "+0.1", "1.5", "-inf",
     "nan", "-", "--1", "-1.2.3", "-1234567890.1234567", "", "x", "\\end\\"]
)  # fmt: skip
LINES = st.builds(
    lambda *parts: "".join(parts).encode(),
    NUMBERS,
    st.sampled_from(["\t", " ", " \t\x0b"]),
    st.sampled_from(["a b", "a  never", "never b", "a", "a b b", "b\ta", "", "b a\u00a0"]),
    st.sampled_from(["", "\t", " "]),
    st.sampled_from(["", "-0.5", "0", "0.25", "-0.5 x", "nan", "-inf"]),
    st.sampled_from(["\n", "\r\n", " \n"]),
)


@settings(max_examples=500)
@given(st.lists(LINES, min_size=1, max_size=3), st.booleans())
def test_compiled_reading_is_the_plain_one_or_none(lines, last):
    ids = {b"a": 0, b"b": 1, "a\u00a0".encode(): 2}
    fast = parse_block(lines, 2, make_lexicon(ids), last)
    try:
        slow = parse(lines, 2, ids, last)
    except ValueError:
        assert fast is None
        return
    if fast is not None:
        for ours, truth in zip(astuple(fast), astuple(slow)):
            np.testing.assert_array_equal(ours, truth)


def test_ordinary_lines_are_read_by_compiled_code():
    lines = gzip.decompress(GOLDEN.read_bytes()).splitlines(keepends=True)
    words = [word.encode() for word in NgramModel.load(GOLDEN).words]
    begin = lines.index(b"\\3-grams:\n") + 1
    found = parse_block(lines[begin:-2], 3, make_lexicon(words), last=True)
    assert found is not None
    assert len(found.words) == 486


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    model = NgramModel.load(write(tmp_path, MODEL))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space .*model\.arpa"):
        model.save(tmp_path / "model.arpa")
    assert [path.name for path in tmp_path.iterdir()] == ["model.arpa"]
    assert (tmp_path / "model.arpa").read_text() == MODEL


@pytest.mark.skipif(not AN4.exists(), reason="needs ../shared/data/an4_mfcc")
def test_the_unigram_model_that_comes_with_an4():
    model = NgramModel.load(AN4)
    assert (model.order, model.counts) == (2, (107, 1))
    equal = -2.0253 * np.log(10)
    np.testing.assert_allclose(model.score(["A", "B", "never"]), [equal] * 4, rtol=1e-5)
    assert model.score([]) == [0.0]
