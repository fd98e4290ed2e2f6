"""Options of decoding: what they make of a model, files and streams alike, and bad ones."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.__main__ import main
from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding.beam.decoder import BeamDecoder
from audio_rnn.decoding.calibration import CalibratedDecoder, Calibration
from audio_rnn.decoding.decoder import decode
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.settings import DecodingConfig
from audio_rnn.errors import DecodingError, InputError, LanguageModelError, ModelError
from audio_rnn.inference.decoders import make_decoder, texts_of
from audio_rnn.inference.ear import StreamConfig
from audio_rnn.inference.stream import SpeechStream
from audio_rnn.inference.transcriber import Transcriber
from audio_rnn.inference.tuned import Tuned, digest, load_tuned, save_tuned
from audio_rnn.models.folder import write_model
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
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
    save_language_model(folder / "letters", causal_model().vocabulary)
    save_language_model(folder / "words", Vocabulary((BLANK_SYMBOL, "<unk>", "abc"), "symbol"))
    return folder


def save_language_model(folder: Path, vocabulary: Vocabulary) -> None:
    """A run folder with random weights that prefer some symbols."""
    torch.manual_seed(0)
    model = SequenceModel(SequenceConfig(embedding=6, hidden=5), vocabulary)
    with torch.no_grad():
        model.output.weight.mul_(8)
    write_model(folder / "model", model, model.describe())


def combinations(files: Path) -> list[DecodingConfig]:
    """Every way to give or leave out language models, lexicon and hotwords."""
    given = {
        "lm": files / "lm.arpa.gz",
        "neural_lm": files / "letters",
        "rescorer": files / "words",
        "lexicon": files / "words.txt",
        "hotwords_from": files / "hot.txt",
    }
    choices = itertools.product(*((None, value) for value in given.values()))
    return [DecodingConfig(**dict(zip(given, values)), beam_width=7) for values in choices]


def test_without_any_option_decoding_is_greedy():
    assert isinstance(make_decoder(small_model()), GreedyDecoder)
    assert isinstance(make_decoder(small_model(), None, DecodingConfig()), GreedyDecoder)
    assert isinstance(make_decoder(small_model(), None, DecodingConfig(beam_width=1)), BeamDecoder)


def test_texts_alone_are_those_of_decoding(files):
    random = np.random.default_rng(0)
    symbols = len(small_model().vocabulary)
    recordings = [random.normal(-3, 2, (n, symbols)).astype(np.float32) for n in (20, 1, 35)]
    for config in [DecodingConfig(), *combinations(files)[::5]]:
        decoder = make_decoder(small_model(), None, config)
        expected = [decode(decoder, log_probs).text for log_probs in recordings]
        assert texts_of(decoder, recordings) == expected
        assert texts_of(CalibratedDecoder(decoder, Calibration(0.5, 1.0)), recordings) == expected


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
    assert len(seen) > 8  # the options do something


def test_the_command_takes_them_offline_and_streaming(files, capsys):
    options = ["--model", f"{files / 'run'}", "--lm", f"{files / 'lm.arpa.gz'}", "--beam-width"]
    options += ["9", "--neural-lm", f"{files / 'letters'}", "--neural-weight", "0.4"]
    options += [
        "--rescorer",
        f"{files / 'words'}",
        "--lexicon",
        f"{files / 'words.txt'}",
        "--hotwords",
        "ghi abc",
        "fed",
    ]
    assert main(["transcribe", f"{files / 'sound.wav'}", *options]) == 0
    whole = capsys.readouterr().out.split()
    assert main(["transcribe", "--stream", f"{files / 'sound.wav'}", *options]) == 0
    assert capsys.readouterr().out.split() == whole != []


@pytest.fixture
def run(tmp_path) -> Path:
    """A run folder of its own."""
    return save_small_model(tmp_path / "run", causal_model())


def test_tuned_weights_are_taken_for_their_language_models_only(files, run, caplog):
    lm, letters = files / "lm.arpa.gz", files / "letters"
    alone = Tuned("valid.jsonl", 0.1, word_bonus=3.5, lm_sha256=digest(lm), lm_weight=0.25)
    together = replace(alone, word_bonus=1.5, lm_weight=0.2)
    together = replace(together, neural_sha256=digest(letters), neural_weight=0.75)
    save_tuned(run, replace(alone, lm_weight=1.0))
    save_tuned(run, together)
    save_tuned(run, alone)  # in place of the first
    assert len(load_tuned(run)) == 2
    model = causal_model()
    fusion = make_decoder(model, run, DecodingConfig(lm=lm)).fusion
    assert (fusion.lm_weight, fusion.word_bonus) == (0.25, 3.5)
    fusion = make_decoder(model, run, DecodingConfig(lm=lm, word_bonus=0.5)).fusion
    assert (fusion.lm_weight, fusion.word_bonus) == (0.25, 0.5)
    both = make_decoder(model, run, DecodingConfig(lm=lm, neural_lm=letters))
    assert (both.fusion.lm_weight, both.neural.weight) == (0.2, 0.75)
    assert not caplog.records
    other = files / "other.arpa"
    train(TEXTS[:2], order=1).save(other)
    fusion = make_decoder(model, run, DecodingConfig(lm=other)).fusion
    assert fusion.lm_weight not in (0.25, 0.2)
    assert "holds weights for another choice of language models" in caplog.text


def test_confidences_are_calibrated_as_tuned_for_the_kind_of_decoding(files, run, caplog):
    sound, model = files / "sound.wav", causal_model()
    raw = Transcriber.load(run).transcribe(sound)
    save_tuned(run, Tuned("valid.jsonl", 0.1, greedy=True, calibration=Calibration(0.5, -3.0)))
    assert isinstance(make_decoder(model, run, DecodingConfig(beam_width=5)), BeamDecoder)
    assert isinstance(
        make_decoder(model, run, DecodingConfig(lm=files / "lm.arpa.gz")), BeamDecoder
    )
    assert not caplog.records  # there are no weights for anything
    calibrated = Transcriber.load(run).transcribe(sound)
    assert calibrated.text == raw.text
    assert all(c.confidence < r.confidence for c, r in zip(calibrated.words, raw.words))


def test_the_one_entry_of_first_versions_is_read(files, run):
    lm = files / "lm.arpa.gz"
    old = {"lm_sha256": digest(lm), "lm_weight": 0.25, "word_bonus": 3.5}
    old |= {"manifest": "valid.jsonl", "expected_wer": 0.1}
    (run / "model" / "decoding.json").write_text(json.dumps(old), encoding="utf-8")
    assert make_decoder(causal_model(), run, DecodingConfig(lm=lm)).fusion.lm_weight == 0.25


def test_broken_tuned_weights_are_named(run):
    place = run / "model" / "decoding.json"
    place.write_text(json.dumps([{"lm_weight": 1.0}]), encoding="utf-8")
    with pytest.raises(ModelError, match=r"decoding\.json.*delete the file and tune again"):
        load_tuned(run)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("lexicon", "", "found no word, expected one a line"),
        ("lexicon", "abc a b\ndef\n", "entry 2: found 'def' by itself, expected its pronunciation"),
        (
            "lexicon",
            "abc a b\ndef d x\n",
            "/lexicon: lexicon: word 'def': found symbol 'x', expected those",
        ),
        ("lexicon", "xyz\n", "/lexicon: lexicon: word 'xyz': 'x' is not among"),
        ("lexicon", b"\xff\xfe\x00", "it is not UTF-8 text"),
        ("hotwords_from", "abc\tmuch\n", "'abc': found boost 'much', expected a number"),
        ("hotwords_from", "\t3\n", r"hotwords_from: found .*, expected a word or phrase before"),
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


def test_a_language_model_of_other_words_than_the_lexicon_is_refused(files, tmp_path):
    (tmp_path / "words.txt").write_text("cab\nfad\n", encoding="utf-8")
    config = DecodingConfig(lm=files / "lm.arpa.gz", lexicon=tmp_path / "words.txt")
    with pytest.raises(LanguageModelError, match="none of the 2 words that may be written"):
        make_decoder(small_model(), None, config)


def test_pronunciations_stream_the_words_of_the_file(tmp_path, files, capsys):
    phones = Vocabulary((BLANK_SYMBOL, "AH", "B", "K", "D", "IY"), "symbol")
    torch.manual_seed(0)
    model = SpeechModel(causal_model().config, phones)
    with torch.no_grad():
        model.acoustic.output.weight.mul_(20)
    save_small_model(tmp_path / "run", model.eval())
    lexicon, lm = tmp_path / "lexicon.txt", tmp_path / "lm.arpa"
    lexicon.write_text("a AH\nbee B IY\nbe B IY\nbe(2) B\nkey K IY\nad AH D\n", encoding="utf-8")
    train(["be a key", "a bee", "ad key a bee"], order=2).save(lm)
    options = ["--model", f"{tmp_path / 'run'}", "--lexicon", f"{lexicon}", "--lm", f"{lm}"]
    assert main(["transcribe", f"{files / 'sound.wav'}", *options]) == 0
    whole = capsys.readouterr().out.split()
    assert main(["transcribe", "--stream", f"{files / 'sound.wav'}", *options]) == 0
    assert capsys.readouterr().out.split() == whole
    assert set(whole) <= {"a", "be", "bee", "key", "ad"}
    assert len(whole) > 2


def test_a_beam_of_nothing_is_refused():
    with pytest.raises(DecodingError, match="beam_width: found 0"):
        make_decoder(small_model(), None, DecodingConfig(beam_width=0))


def test_an_empty_hotword_is_refused():
    with pytest.raises(DecodingError, match="hotword: found ' '"):
        make_decoder(small_model(), None, DecodingConfig(hotwords=(" ",)))


@pytest.mark.parametrize(
    ("option", "folder", "message"),
    [
        ("neural_lm", "run", "run: found a model of kind 'speech', expected 'sequence'"),
        ("neural_lm", "nothing", "nothing: no such folder; expected the run folder"),
        ("neural_lm", "lm.arpa.gz", "lm.arpa.gz: found a file; expected the run folder"),
        ("neural_lm", "words", "neural language model: found one of symbols, expected characters"),
        ("neural_lm", "digits", "neural language model: found no ' ' among its 3 symbols"),
        ("rescorer", "run", "run: found a model of kind 'speech', expected 'sequence'"),
        ("rescorer", "digits", "rescorer: symbol '.' in '.' is not among the 3"),
    ],
)
def test_other_models_are_refused(files, option, folder, message):
    save_language_model(files / "digits", Vocabulary.from_texts(["123"]))
    with pytest.raises((ModelError, LanguageModelError), match=message):
        make_decoder(small_model(), None, DecodingConfig(**{option: files / folder}))
