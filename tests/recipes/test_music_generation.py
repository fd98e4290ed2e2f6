"""The recipe of music on its embedded default, its commands, and a user's mistakes."""

from __future__ import annotations

import csv
import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
import soundfile

from audio_rnn import config as configs
from audio_rnn.__main__ import main
from audio_rnn.data.pieces import read_pieces
from audio_rnn.decoding.plan import Plan
from audio_rnn.decoding.sampling import SamplingConfig
from audio_rnn.errors import ConfigError, InputError, ModelError, MusicError
from audio_rnn.inference.endless import write_endless
from audio_rnn.inference.generator import Generator
from audio_rnn.midi.decoding import decode
from audio_rnn.midi.files import read_piece, write_midi
from audio_rnn.midi.piece import Key, Meter, Piece, transpose
from audio_rnn.midi.tidy import tidy
from audio_rnn.runs.history import read_history
from recipes.music_generation import (
    evaluate,
    prepare_default,
    prepare_jsb_events,
    prepare_maestro,
    prepare_midi,
    prepare_nottingham,
    sample,
)
from recipes.music_generation.duplicates import find_duplicates
from recipes.music_generation.train import RecipeConfig, train
from recipes.music_generation.tunes import compose
from tests.midi.pieces import NOTTINGHAM, tune
from tests.midi.test_files import ABC, GOOD, midi, off, on

CONF = Path(__file__).parents[2] / "conf" / "music_generation"
BROKEN = (
    ("truncated.mid", GOOD[:-6], "truncated: found 16 bytes of track 1"),
    ("empty.mid", b"", "found an empty file, expected a MIDI file"),
    ("silent.mid", midi([]), "found no notes, expected at least one"),
    ("drums.mid", midi([on(36, channel=9), off(36, 9, channel=9)]), "found drums only, 1 notes"),
    ("songs.mid", midi([on(60), off(60, 9)], [on(62), off(62, 9)], kind=2), "of type 2"),
    ("hanging.mid", midi([on(60), on(64), off(60, 480)]), "found 1 hanging notes"),
    ("error.abc", ABC.replace("fed", "f@d").encode(), ":6: Unrecognized character: @"),
    ("words.txt", b"hello", "found no music by its name"),
)
DEBUG = configs.load(RecipeConfig, CONF / "debug.yaml")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the embedded tunes."""
    folder = tmp_path_factory.mktemp("corpus")
    prepare_default.prepare(prepare_default.Options(folder, 40, 4, 4))
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the debug config on them."""
    run_dir = tmp_path_factory.mktemp("run")
    train(replace(DEBUG, data=corpus, run_dir=run_dir))
    return run_dir


@pytest.fixture(scope="module")
def generator(run: Path) -> Generator:
    return Generator.load(run)


@pytest.fixture
def call(capsys):
    """(exit status, standard output, standard error) of a command."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run_command


def test_composed_tunes_keep_to_their_key_and_their_form(corpus: Path):
    pieces = {name: decode(ids) for name, ids in read_pieces(corpus / "train.jsonl").items()}
    assert len(pieces) == 40
    assert not find_duplicates(pieces)
    assert len({(p.meters[0].beats, p.meters[0].unit) for p in pieces.values()}) == 4
    assert len({p.keys[0] for p in pieces.values()}) > 8
    for piece in pieces.values():
        assert len(list(piece.bars())) == 16
        last = piece.voices[1].notes[-3:]
        assert last[0].pitch % 12 == piece.keys[0].tonic  # it ends on the tonic chord
    assert compose("0/train/1") == pieces["train-0001"]


def test_training_learns_and_evaluation_agrees_with_scores(run: Path, corpus: Path, generator):
    first, last = (entry["perplexity"] for entry in read_history(run) if "perplexity" in entry)
    assert last < first < 700
    found = evaluate.evaluate(evaluate.Options(run, corpus / "test.jsonl"))
    pieces = read_pieces(corpus / "test.jsonl")
    scores = [generator.score(decode(ids)) for ids in pieces.values()]
    assert found.nats == pytest.approx(sum(score.nats for score in scores), rel=1e-4)
    assert found.notes == sum(len(score.notes) for score in scores)
    assert sum(n.nats for n in scores[0].notes) <= scores[0].nats
    for ids, score in zip(pieces.values(), scores):  # where the piece stands, not in C
        voices = enumerate(decode(ids).voices)
        notes = {(number, note) for number, voice in voices for note in voice.notes}
        assert {(entry.voice, entry.note) for entry in score.notes} == notes


def test_generate_writes_midi_sound_and_pictures(run: Path, tmp_path: Path, call):
    arguments = ("-m", run, "-o", tmp_path / "a.mid", "--bars", 4, "--key", "G", "--tempo", 100)
    more = (
        "--temperature",
        0.9,
        "--top-p",
        0.95,
        "--density",
        "0.3:0.7",
        "--count",
        2,
        "--seed",
        5,
    )
    status, _, err = call("generate", *arguments, *more, "--wav", "--plot", "--scale")
    assert status == 0
    assert "a-2.mid" in err
    for name in ("a-1", "a-2"):
        piece = read_piece(tmp_path / f"{name}.mid")
        assert (piece.keys, piece.tempos[0].bpm) == ((Key(0, 1),), 100)
        assert {n.pitch % 12 for v in piece.voices for n in v.notes} <= {7, 9, 11, 0, 2, 4, 6}
        assert pretty_midi.PrettyMIDI(str(tmp_path / f"{name}.mid")).instruments
        assert mido.MidiFile(tmp_path / f"{name}.mid").tracks
        sound, _ = soundfile.read(tmp_path / f"{name}.wav")
        assert 0.8 < np.abs(sound).max() < 1
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
    status, _, err = call("generate", *arguments, *more)
    assert (status, "a-1.mid, expected none" in err) == (1, True)


def test_score_tells_every_note(run: Path, tmp_path: Path, call):
    write_midi(tmp_path / "a.mid", tune(60, 62, 64, 65, 67))
    status, out, err = call("score", tmp_path / "a.mid", "-m", run)
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    assert (status, [row[3] for row in rows]) == (0, ["60", "62", "64", "65", "67"])
    assert rows[4][:2] == ["2", "0"]
    assert "nats:" in err


def test_pieces_are_the_same_alone_and_among_others(generator: Generator):
    plan, sampling = Plan(bars=2), SamplingConfig(0.9)
    together = generator.generate(plan, sampling, seed=3, count=4)
    assert together[2:3] == generator.generate(plan, sampling, seed=5)


def test_a_primer_is_what_a_piece_begins_with(generator: Generator):
    primer = tidy(replace(tune(60, 64, 67, 72), keys=(Key(0, 0),)))
    (piece,) = generator.generate(Plan(bars=3, scale=True), primer=primer)
    assert set(primer.voices[0].notes) <= set(piece.voices[0].notes)
    assert len(list(piece.bars())) == 3


@pytest.mark.parametrize(
    ("primer", "plan", "message"),
    [
        (tune(*[60] * 9), Plan(bars=2), "primer: found 3 bars, expected fewer than the 2"),
        (tune(3), Plan(bars=4), "primer: found pitch 3, expected"),
        (tune(60), Plan(bars=4, lowest=62), "primer: found pitch 60, expected 62 to"),
        (
            Piece(tune(60, 60).voices, (Meter(0, 7, 8),)),
            Plan(bars=4),
            "primer: found meter 7/8, which the model never saw; expected one of",
        ),
    ],
)
def test_a_primer_that_cannot_be_is_named(generator: Generator, primer, plan, message):
    with pytest.raises(MusicError, match=message):
        generator.generate(plan, primer=tidy(primer))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--temperature", 0), "temperature: found 0.0, expected above 0"),
        (("--temperature", -1), "temperature: found -1.0"),
        (("--top-p", 0), "top_p: found 0.0, expected above 0, at most 1"),
        (("--key", "H"), "--key: found 'H', expected one of Cb"),
        (("--meter", "waltz"), "--meter: found 'waltz', expected such as 3/4"),
        (("--meter", "7/8"), "meter: found 7/8, which the model never saw"),
        (("--bars", 0), "bars: found 0, expected 1 or more"),
        (("--density", "2"), "density: found (2.0, 2.0), expected values from 0 to 1"),
        (("--guidance", 0), "guidance: found 0.0, expected above 0, at most 10"),
        (("--density", "a:b"), "--density: found 'a:b', expected a number"),
        (("--range", "84:48"), "range of pitches: found (84, 48)"),
        (("--range", "61:61", "--key", "C", "--scale"), "found no pitch from 61 to 61"),
        (("--soundfont", __file__, "--wav"), "found no SoundFont"),
        (("--count", 0), "--count: found 0"),
        (("--seed", -1), "--seed: found -1, expected 0 or more"),
        (("--temperature", "nan"), "temperature: found nan, expected above 0"),
        (("--top-k", 0), "top_k: found 0, expected 1 or more"),
        (("--repetition", 0), "repetition: found 0.0, expected above 0"),
        (("--beam", 0), "--beam 0 --count 1: expected a width of 1 or more"),
        (("--tempo", 0), "tempo: found 0, expected 1 to 1000"),
        (("--scale",), "scale: found no key, expected one to be named"),
        (("--endless", "--count", 2), "--count: found 2, expected 1 or more, and 1 with --endless"),
        (("--harmonize", "no.mid"), "no.mid: cannot be read"),
        (("--harmonize", "a.mid", "--primer", "b.mid"), "--harmonize: found --primer beside it"),
        (("--harmonize", "a.mid", "--endless"), "--harmonize: found --endless beside it"),
        (("--endless", "--bars", 4), "--endless: found --bars beside it"),
        (("--endless", "--wav"), "--endless: found --wav beside it"),
        (("--beam", 2, "--top-p", 0.9), "--beam: found --top-p beside it"),
        (("--soundfont", __file__), "--soundfont: found no --wav beside it"),
        (("--primer", "no.mid"), "no.mid: cannot be read"),
    ],
)
def test_mistakes_are_named(run: Path, tmp_path: Path, call, arguments, message: str):
    status, _, err = call("generate", "-m", run, "-o", tmp_path / "a.mid", *arguments)
    assert (status, message in err) == (1, True), err
    assert not list(tmp_path.iterdir())


def test_a_key_that_pieces_never_go_to_is_named(generator: Generator):
    primer = tidy(replace(tune(70, 74, 77, 82), keys=(Key(0, -2),)))
    message = "key: found D after a primer in Bb, which the model never saw; expected one of Bb"
    with pytest.raises(MusicError, match=message):
        generator.generate(Plan(key=Key(0, 2), bars=4), primer=primer)
    (piece,) = generator.generate(Plan(key=Key(0, -2), bars=4), primer=replace(primer, keys=()))
    assert piece.keys == (Key(0, -2),)  # a primer without key is in the one that is asked


def test_guidance_changes_what_is_drawn_where_something_is_asked(generator: Generator):
    asked = Plan(bars=4, meter=(4, 4), density=(1.0, 1.0))
    plain, guided = (replace(asked, guidance=guidance) for guidance in (1.0, 2.0))
    assert generator.generate(plain, seed=1) != generator.generate(guided, seed=1)
    free = (Plan(bars=4, guidance=guidance) for guidance in (1.0, 2.0))
    assert generator.generate(next(free), seed=1) == generator.generate(next(free), seed=1)


@pytest.mark.parametrize(("name", "data", "message"), BROKEN, ids=[name for name, *_ in BROKEN])
def test_broken_music_is_named_by_every_command(
    run: Path, tmp_path: Path, call, name: str, data: bytes, message: str
):
    path, output = tmp_path / name, tmp_path / "out.mid"
    path.write_bytes(data)
    model = ("-m", run)
    commands = [("score", path, *model)]
    for option in ("--primer", "--harmonize"):
        commands.append(("generate", *model, "-o", output, option, path))
    for command in commands:
        status, out, err = call(*command)
        assert (status, out, f"{path}" in err) == (1, "", True), err
        assert message in err
        assert not output.exists()


def test_a_melody_is_harmonised(run: Path, tmp_path: Path, call):
    melody = tidy(replace(tune(60, 64, 67, 72, 71, 67, 64, 60), keys=(Key(0, 0),)))
    write_midi(tmp_path / "melody.mid", melody)
    arguments = ("-m", run, "-o", tmp_path / "a.mid", "--harmonize", tmp_path / "melody.mid")
    status, _, err = call("generate", *arguments, "--count", 2, "--scale", "--range", "36:59")
    assert (status, "a-2.mid" in err) == (0, True)
    for number in (1, 2):
        piece = read_piece(tmp_path / f"a-{number}.mid")
        assert piece.voices[0] == melody.voices[0]
        others = {n.pitch for v in piece.voices[1:] for n in v.notes}
        assert others <= {p for p in range(36, 60) if p % 12 in (0, 2, 4, 5, 7, 9, 11)}


def test_harmonies_are_the_same_alone_and_among_others(generator: Generator):
    melody = tidy(tune(60, 64, 67, 72, 71, 67))
    together = generator.harmonize(melody, seed=4, count=3)
    assert together[1:2] == generator.harmonize(melody, seed=5)
    assert len(set(map(str, together))) == 3
    with pytest.raises(ConfigError, match="particles: found 0, expected 1 or more"):
        generator.harmonize(melody, particles=0)


def test_endless_music_is_written_as_it_comes(generator: Generator, tmp_path: Path):
    plan = Plan(bars=math.inf, meter=(3, 4))
    assert write_endless(tmp_path / "a.mid", generator, plan, SamplingConfig(), bars=12) == 12
    endless = read_piece(tmp_path / "a.mid")
    assert {(m.beats, m.unit) for m in endless.meters} == {(3, 4)}
    assert len(list(endless.bars())) >= 11
    assert mido.MidiFile(tmp_path / "a.mid").length > 0


def test_a_model_of_text_is_no_generator(run: Path, tmp_path: Path):
    from audio_rnn.models.folder import write_model
    from audio_rnn.models.sequence import SequenceConfig, SequenceModel
    from audio_rnn.vocabulary import Vocabulary

    model = SequenceModel(SequenceConfig(8, hidden=8), Vocabulary.from_texts(["abc"]))
    write_model(tmp_path, model, model.describe())
    with pytest.raises(ModelError, match="found a model of 4 symbols and 0 hints"):
        Generator.load(tmp_path)


def test_own_folders_are_split_and_duplicates_and_broken_files_left_out(tmp_path: Path, capsys):
    source = tmp_path / "own"
    source.mkdir()
    for n in range(12):
        write_midi(source / f"t{n:02}.mid", compose(f"own{n}"))
    again = transpose(compose("own3"), 2)
    assert again is not None
    write_midi(source / "t99.mid", again)
    (source / "broken.mid").write_bytes(b"MThd")
    prepare_midi.prepare(prepare_midi.Options(source, tmp_path / "out"))
    err = capsys.readouterr().err
    assert "t99: mostly the melody of t03" in err
    assert "broken.mid: found no MIDI header" in err
    sizes = {
        s: len(read_pieces(tmp_path / "out" / f"{s}.jsonl")) for s in ("train", "valid", "test")
    }
    assert sizes == {"train": 10, "valid": 1, "test": 1}
    with pytest.raises(InputError, match=r"broken.mid"):
        prepare_midi.prepare(prepare_midi.Options(source, tmp_path / "out", strict=True))


def test_maestro_is_read_by_its_table(tmp_path: Path):
    source = tmp_path / "maestro"
    rows = []
    for year, split in ((2004, "train"), (2006, "validation"), (2008, "test")):
        (source / str(year)).mkdir(parents=True)
        name = f"{year}/a.midi"
        write_midi(source / name, compose(f"maestro{year}"))
        rows.append({"split": split, "year": year, "midi_filename": name, "duration": 9.9})
    with (source / "maestro-v3.0.0.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    prepare_maestro.prepare(prepare_maestro.Options(source, tmp_path / "out"))
    assert list(read_pieces(tmp_path / "out" / "valid.jsonl")) == ["2006/a.midi"]
    (source / "maestro-v3.0.0.csv").write_text("split,midi_filename\nextra,a.midi\n")
    with pytest.raises(InputError, match=r"maestro-v3.0.0.csv:2: found split 'extra'"):
        prepare_maestro.prepare(prepare_maestro.Options(source, tmp_path / "out"))


def test_chorales_become_pieces_of_four_voices(tmp_path: Path):
    frames = [[72, 67, 64, 48]] * 4 + [[74, 67, float("nan"), 43]] * 2 + [[72, 67, 64, 48]]
    chorales = {split: [frames] for split in ("train", "valid", "test")}
    (tmp_path / "jsb.json").write_text(json.dumps(chorales))
    options = prepare_jsb_events.Options(tmp_path / "jsb.json", tmp_path / "out")
    prepare_jsb_events.prepare(options)
    piece = decode(read_pieces(tmp_path / "out" / "test.jsonl")["test-001"])
    notes = [[(n.start, n.pitch, n.length) for n in voice.notes] for voice in piece.voices]
    assert notes == [
        [(0, 72, 24), (24, 74, 12), (36, 72, 6)],
        [(0, 67, 42)],
        [(0, 64, 24), (36, 64, 6)],
        [(0, 48, 24), (24, 43, 12), (36, 48, 6)],
    ]


@pytest.mark.parametrize("notation", ["midi", "abc"])
def test_nottingham_is_read_from_both_notations(tmp_path: Path, notation: str):
    if not NOTTINGHAM.exists():
        pytest.skip("needs Nottingham in ../shared/data")
    for folder, pattern in (("MIDI", "slip*.mid"), ("ABC_cleaned", "slip.abc")):
        (tmp_path / "source" / folder).mkdir(parents=True)
        for path in (NOTTINGHAM / folder).glob(pattern):
            shutil.copy(path, tmp_path / "source" / folder)
    options = prepare_nottingham.Options(tmp_path / "source", tmp_path / "out", notation)
    prepare_nottingham.prepare(options)
    names = [
        n for s in ("train", "valid", "test") for n in read_pieces(tmp_path / "out" / f"{s}.jsonl")
    ]
    assert len(names) >= 10
    assert all(name.startswith("slip") for name in names)


def test_every_one_of_many_samples_is_valid(run: Path, corpus: Path, tmp_path: Path, capsys):
    options = sample.Options(run, corpus / "test.jsonl", tmp_path / "samples", count=20, bars=4)
    outcome = sample.sample(options)
    assert (outcome.pieces, outcome.valid) == (20, 20)
    files = list((tmp_path / "samples").glob("*.mid"))
    assert len(files) == 20
    for path in files:  # other libraries find the same notes
        notes = sum(len(voice.notes) for voice in read_piece(path).voices)
        instruments = pretty_midi.PrettyMIDI(str(path)).instruments
        assert sum(len(instrument.notes) for instrument in instruments) == notes
        events = [m for track in mido.MidiFile(path).tracks for m in track]
        assert sum(m.type == "note_on" and m.velocity > 0 for m in events) == notes
    assert "20 of 20 files are valid" in capsys.readouterr().out
