"""Files of music: what others write and read, and what is wrong with some."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import mido
import pretty_midi
import pytest
from mido import Message, MetaMessage

from audio_rnn.errors import MusicError
from audio_rnn.midi.abc_tunes import parse_tunes, read_tunes
from audio_rnn.midi.files import read_piece, write_midi
from audio_rnn.midi.midi_file import parse_midi
from audio_rnn.midi.piece import Key, Meter, Piece, Tempo
from audio_rnn.midi.tidy import tidy
from tests.midi.pieces import NOTTINGHAM, tune

ABC = "X:1\nT:one\nM:3/4\nL:1/4\nK:D\nA|d2 e|fed|\n"


def on(pitch: int, time: int = 0, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, velocity=64, time=time, channel=channel)


def off(pitch: int, time: int = 0, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, velocity=0, time=time, channel=channel)


def midi(*tracks: list[Message | MetaMessage], kind: int = 1) -> bytes:
    file = mido.MidiFile(type=kind, ticks_per_beat=480)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    stream = io.BytesIO()
    file.save(file=stream)
    return stream.getvalue()


GOOD = midi([on(60), off(60, 480), on(64), off(64, 480)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.mid: found an empty file, expected a MIDI file"),
        (b"RIFF" * 20, "x.mid: found no MIDI header"),
        (GOOD[:-6], "x.mid: truncated: found .* bytes of track 1"),
        (GOOD[:14], "x.mid: truncated: found 0 tracks, expected 1"),
        (GOOD[:12] + b"\xe7\x28" + GOOD[14:], "x.mid: found times in film frames"),
        (midi([on(60), off(60, 9)], [on(62), off(62, 9)], kind=2), "of type 2"),
        (midi([on(36, channel=9), off(36, 9, channel=9)]), "x.mid: found drums only, 1 notes"),
        (midi([]), "x.mid: found no notes, expected at least one"),
        (midi([on(60), on(64), off(60, 480)]), "1 hanging notes in track 1, the first of pitch 64"),
        (GOOD[:30] + b"\xf5" + GOOD[31:], "x.mid: damaged"),
    ],
)
def test_broken_midi_is_named(data: bytes, message: str):
    with pytest.raises(MusicError, match=message):
        parse_midi(data, "x.mid")


def test_ten_thousand_changes_of_tempo_are_read():
    changes = [
        MetaMessage("set_tempo", tempo=300_000 + 9_973 * i % 400_000, time=48)
        for i in range(10_000)
    ]
    piece = parse_midi(midi(changes, [on(60), off(60, 480_000)]), "x.mid")
    assert len(piece.tempos) > 100
    assert tidy(piece) == piece


def test_a_note_of_no_length_becomes_the_shortest():
    piece = parse_midi(midi([on(60), off(60), on(62), off(62, 480)]), "x.mid")
    assert [(n.pitch, n.length) for n in piece.voices[0].notes] == [(60, 1), (62, 24)]


def test_other_libraries_read_what_is_written(tmp_path: Path):
    piece = tidy(Piece(tune(60, 64, 67).voices, (Meter(0, 3, 4),), (Tempo(0, 96),), (Key(0, 2),)))
    write_midi(tmp_path / "a.mid", piece)
    other = pretty_midi.PrettyMIDI(str(tmp_path / "a.mid"))
    assert [n.pitch for n in other.instruments[0].notes] == [60, 64, 67]
    assert other.get_end_time() == pytest.approx(3 * 60 / 96)
    assert other.time_signature_changes[0].numerator == 3
    assert other.key_signature_changes[0].key_number == 2
    plain = mido.MidiFile(tmp_path / "a.mid")
    assert sum(m.type == "note_on" and m.velocity > 0 for track in plain.tracks for m in track) == 3


def test_abc_puts_a_pickup_at_the_end_of_a_bar(tmp_path: Path):
    (tmp_path / "a.abc").write_text(ABC)
    piece = read_piece(tmp_path / "a.abc")
    assert [(n.start, n.pitch) for n in piece.voices[0].notes] == [
        (48, 69), (72, 74), (120, 76), (144, 78), (168, 76), (192, 74),
    ]  # fmt: skip
    assert (piece.meters, piece.keys) == ((Meter(0, 3, 4),), (Key(0, 2),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no line X:"),
        ("hello\n", "found no line X:"),
        (ABC + "\n" + ABC.replace("X:1", "X:2"), "found 2 tunes, expected one"),
        (ABC.replace("fed", "f@d"), r"a.abc:6: Unrecognized character: @"),
        (ABC.replace("K:D", "K:"), "a.abc:.* expected ABC"),
        (ABC.replace("A|d2 e|fed|", ""), "found no notes"),
    ],
)
def test_broken_abc_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "a.abc").write_text(text)
    with pytest.raises(MusicError, match=message):
        read_piece(tmp_path / "a.abc")


def test_an_unknown_suffix_and_a_missing_file_are_named(tmp_path: Path):
    with pytest.raises(MusicError, match=r"song.mp3: found no music by its name, expected one of"):
        read_piece(tmp_path / "song.mp3")
    with pytest.raises(MusicError, match=r"song.mid: cannot be read: No such file"):
        read_piece(tmp_path / "song.mid")


def test_nottingham_abc_says_the_melody_of_its_midi():
    path = NOTTINGHAM / "ABC_cleaned" / "waltzes.abc"
    if not path.exists():
        pytest.skip("needs Nottingham in ../shared/data")
    tunes = {f"waltzes{i}": tune for i, tune in enumerate(read_tunes(path), 1)}
    failures: dict[str, MusicError] = {}
    pieces = parse_tunes(tunes, failures)
    assert len(pieces) + len(failures) == 52
    same = 0
    for name, piece in pieces.items():
        midi_melody = read_piece(NOTTINGHAM / "MIDI" / f"{name}.mid").voices[0].notes
        same += {(n.start, n.pitch) for n in piece.voices[0].notes[:20]} == {
            (n.start, n.pitch) for n in midi_melody[:20]
        }
    assert same > 0.7 * len(pieces)


MUSICXML = """<?xml version="1.0"?><score-partwise version="3.1"><part-list><score-part id="P1">
<part-name>M</part-name></score-part></part-list><part id="P1"><measure number="1"><attributes>
<divisions>2</divisions><key><fifths>1</fifths></key><time><beats>3</beats><beat-type>4</beat-type>
</time></attributes>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration></note>
<note><pitch><step>F</step><alter>1</alter><octave>4</octave></pitch><duration>3</duration></note>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>1</duration></note>
</measure></part></score-partwise>"""


def test_musicxml_is_read_where_partitura_is(tmp_path: Path):
    pytest.importorskip("partitura", reason="needs the extra musicxml")
    path = tmp_path / "a.musicxml"
    path.write_text(MUSICXML)
    piece = read_piece(path)
    assert [(n.start, n.pitch, n.length) for n in piece.voices[0].notes] == [
        (0, 67, 24), (24, 66, 36), (60, 69, 12),
    ]  # fmt: skip
    assert (piece.meters, piece.keys) == ((Meter(0, 3, 4),), (Key(0, 1),))
    path.write_text("<a>")
    with pytest.raises(MusicError, match=r"a.musicxml: no MusicXML that can be read"):
        read_piece(path)


@pytest.mark.parametrize(
    "raised, seen",
    [(AttributeError("no staff"), MusicError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_whatever_partitura_raises_is_named_but_ctrl_c_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, seen: type
):
    def load(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setitem(sys.modules, "partitura", SimpleNamespace(load_musicxml=load))
    path = tmp_path / "a.musicxml"
    path.write_text(MUSICXML)
    with pytest.raises(
        seen, match="" if seen is KeyboardInterrupt else "no staff; export it again"
    ):
        read_piece(path)
