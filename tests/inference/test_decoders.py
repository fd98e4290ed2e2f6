"""Options of decoding: what they make of a model, files and streams alike, and bad ones."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from audio_rnn.__main__ import main
from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import DecodingError, InputError, LanguageModelError, ModelError
from audio_rnn.inference.decoders import Tuned, digest, load_tuned, make_decoder, save_tuned
from audio_rnn.inference.stream import SpeechStream, StreamConfig
from audio_rnn.inference.transcriber import Transcriber
from tests.small_model import RATE, causal_model, save_small_model, small_model, sound

TEXTS = ["abc def", "def abc ghi", "abc ghi", "ghi def def"]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with a language model, a lexicon, hotwords, a sound and a model of one direction."""
    folder = tmp_path_factory.mktemp("decoding")
    train(TEXTS, order=2).save(folder / "lm.arpa.gz")
    (folder / "words.txt").write_text("abc\ndef\n\nghi\na\nb\n", encoding="utf-8")
    (folder / "hot.txt").write_text("ghi abc\t2.5\nfed\n", encoding="utf-8")
    write_audio(folder / "sound.wav", sound(3.0), RATE)
    save_small_model(folder / "run", causal_model())
    return folder


def combinations(files: Path) -> list[DecodingConfig]:
    """Every way to give or leave out language model, lexicon, hotwords and beam width."""
    lm, lexicon, hot = files / "lm.arpa.gz", files / "words.txt", files / "hot.txt"
    choices = itertools.product((None, lm), (None, lexicon), (None, hot), (None, 7))
    return [
        DecodingConfig(lm=a, lexicon=b, hotwords_from=c, beam_width=d) for a, b, c, d in choices
    ]


def test_without_any_option_decoding_is_greedy():
    assert isinstance(make_decoder(small_model()), GreedyDecoder)
    assert isinstance(make_decoder(small_model(), None, DecodingConfig()), GreedyDecoder)
    assert isinstance(make_decoder(small_model(), None, DecodingConfig(beam_width=1)), BeamDecoder)


def test_every_combination_streams_the_text_of_the_file(files):
    samples = read_audio(files / "sound.wav", RATE)
    words = {"abc", "def", "ghi", "a", "b", "fed"}
    seen = set()
    for config in combinations(files):
        transcriber = Transcriber.load(files / "run", decoding=config)
        offline = transcriber.transcribe(files / "sound.wav")
        stream = SpeechStream(transcriber.model, transcriber.decoder, StreamConfig())
        heard = [s for block in np.array_split(samples, 17) for s in stream.feed(block)]
        final = [s.text for s in [*heard, *stream.finish()] if s.final]
        assert " ".join(final) == offline.text
        if config.lexicon:
            assert set(offline.text.split()) <= words
        seen.add(offline.text)
    assert len(seen) > 4  # the options do something


def test_the_command_takes_them_offline_and_streaming(files, capsys):
    options = ["--model", f"{files / 'run'}", "--lm", f"{files / 'lm.arpa.gz'}", "--beam-width"]
    options += ["9", "--lexicon", f"{files / 'words.txt'}", "--hotwords", "ghi abc", "fed"]
    assert main(["transcribe", f"{files / 'sound.wav'}", *options]) == 0
    whole = capsys.readouterr().out.split()
    assert main(["transcribe", "--stream", f"{files / 'sound.wav'}", *options]) == 0
    assert capsys.readouterr().out.split() == whole != []


def test_tuned_weights_are_taken_for_their_language_model_only(files, caplog):
    lm = files / "lm.arpa.gz"
    save_tuned(files / "run", Tuned(digest(lm), 0.25, 3.5, "valid.jsonl", 0.1))
    try:
        model = causal_model()
        fusion = make_decoder(model, files / "run", DecodingConfig(lm=lm)).fusion
        assert (fusion.lm_weight, fusion.word_bonus) == (0.25, 3.5)
        fusion = make_decoder(model, files / "run", DecodingConfig(lm=lm, word_bonus=0.5)).fusion
        assert (fusion.lm_weight, fusion.word_bonus) == (0.25, 0.5)
        assert not caplog.records
        other = files / "other.arpa"
        train(TEXTS[:2], order=1).save(other)
        fusion = make_decoder(model, files / "run", DecodingConfig(lm=other)).fusion
        assert fusion.lm_weight != 0.25
        assert "holds weights for another language model" in caplog.text
    finally:
        (files / "run" / "model" / "decoding.json").unlink()


def test_broken_tuned_weights_are_named(files):
    place = files / "run" / "model" / "decoding.json"
    place.write_text(json.dumps({"lm_weight": 1.0}), encoding="utf-8")
    try:
        with pytest.raises(ModelError, match=r"decoding\.json.*tune again, or delete the file"):
            load_tuned(files / "run")
    finally:
        place.unlink()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lexicon", "", "found no word, expected one a line"),
        ("lexicon", "abc\ndef A B\n", "entry 2: found 'def A B', expected one word a line"),
        ("lexicon", "xyz\n", "lexicon: word 'xyz': 'x' is not among"),
        ("lexicon", b"\xff\xfe\x00", "it is not UTF-8 text"),
        ("hotwords_from", "abc\tmuch\n", "'abc': found boost 'much', expected a number"),
        ("hotwords_from", "\t3\n", "expected a word or a phrase"),
        ("hotwords_from", "abc\tinf\n", "found boost inf"),
        ("lm", "no arpa", "lm"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((DecodingError, LanguageModelError), match=message):
        make_decoder(small_model(), None, DecodingConfig(**{name: path}))


@pytest.mark.parametrize("name", ["lm", "lexicon", "hotwords_from"])
def test_missing_files_are_named(tmp_path, name):
    with pytest.raises(InputError, match=r"nothing\.txt"):
        make_decoder(small_model(), None, DecodingConfig(**{name: tmp_path / "nothing.txt"}))


def test_a_beam_of_nothing_is_refused():
    with pytest.raises(DecodingError, match="beam_width: found 0"):
        make_decoder(small_model(), None, DecodingConfig(beam_width=0))


def test_an_empty_hotword_is_refused():
    with pytest.raises(DecodingError, match="hotword: found ' '"):
        make_decoder(small_model(), None, DecodingConfig(hotwords=(" ",)))
