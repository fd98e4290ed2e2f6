"""Soundscapes: what sounds is cut out, placed, mixed and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.audio import read_audio
from audio_rnn.data.manifest import Utterance, read_manifest, write_manifest
from audio_rnn.errors import ConfigError, InputError
from audio_rnn.events import Event
from recipes.audio_tagging import prepare_esc50
from recipes.audio_tagging.excerpts import excerpt, joined
from recipes.audio_tagging.prepare_soundscapes import Options, Sounds, choose, prepare
from recipes.audio_tagging.scenes import SceneConfig, background, mix, place
from recipes.audio_tagging.sounding import cut, faded, regions
from tests.recipes.prepared import files, shared
from tests.recipes.sounds import read_parts, recordings

RATE = 16000
TONES = {"low": 1000, "high": 4000}
SMALL = SceneConfig(seconds=3.0, events=(0, 3), event_seconds=(0.25, 1.0))


def tone(frequency: float, seconds: float, pad: float = 0.0) -> np.ndarray:
    """A tone between two silences."""
    times = np.arange(round(seconds * RATE)) / RATE
    silence = np.zeros(round(pad * RATE))
    sound = 0.3 * np.sin(2 * np.pi * frequency * times)
    return np.concatenate([silence, sound, silence]).astype(np.float32)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Five folds of four clips a class, each a recording of its own."""
    clips = []
    for fold in range(1, 6):
        for label, frequency in TONES.items():
            for take in range(4):
                name = f"{label}-{fold}-{take}"
                path = tmp_path / f"clips/audio/{name}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, tone(frequency + 10 * fold, 1.0, 0.5), RATE)
                audio = f"audio/{path.name}"
                known = {"tags": (label,), "fold": fold, "recording": name}
                clips.append(Utterance(name, 2.0, audio=audio, **known))
    write_manifest(tmp_path / "clips/all.jsonl", clips)
    return tmp_path / "clips"


def options(source: Path, output: Path) -> Options:
    counts = {"train_scenes": 12, "valid_scenes": 3, "test_scenes": 4}
    return Options(source, output, (1, 2, 3, 4), (5,), scene=SMALL, **counts)


def test_what_is_told_is_heard(source: Path, tmp_path: Path) -> None:
    """In the band of a label there is much power inside its events, and little outside."""
    chosen = options(source, tmp_path / "out")
    prepare(replace(chosen, scene=replace(SMALL, snr=(15.0, 15.0))))
    parts = read_parts(tmp_path / "out")
    assert {name: len(part) for name, part in parts.items()} == {"train": 12, "valid": 3, "test": 4}
    compared = 0
    for scene in (c for part in parts.values() for c in part):
        waveform = read_audio(tmp_path / "out" / scene.source, RATE)
        assert len(waveform) == 3 * RATE and 0.2 < np.abs(waveform).max() < 0.9
        for label, frequency in TONES.items():
            powers: dict[bool, list[float]] = {True: [], False: []}
            told = [e for e in scene.events or () if e.label == label]
            for start in np.arange(0, 2.95, 0.05):
                inside = any(e.onset + 0.01 <= start and start + 0.06 <= e.offset for e in told)
                if inside or all(start + 0.05 <= e.onset or e.offset <= start for e in told):
                    piece = waveform[round(start * RATE) : round((start + 0.05) * RATE)]
                    powers[inside].append(band(piece, frequency))
            if told:
                assert min(powers[True]) > 3 * max(powers[False])
                compared += 1
    assert compared > 15


def band(waveform: np.ndarray, frequency: float) -> float:
    """Mean power within 200 Hz of a frequency."""
    power = np.abs(np.fft.rfft(waveform)) ** 2 / len(waveform) ** 2
    near = np.abs(np.fft.rfftfreq(len(waveform), 1 / RATE) - frequency) < 200
    return float(power[near].sum())


def test_the_same_options_give_the_same_files(source: Path, tmp_path: Path) -> None:
    first, second = options(source, tmp_path / "a"), options(source, tmp_path / "b")
    for chosen in (first, second, first):
        prepare(chosen)
    assert files(first.output) == files(second.output)
    assert files(first.output / "audio") == files(second.output / "audio")
    prepare(replace(second, seed=1, train_scenes=5))
    assert files(first.output) != files(second.output)
    assert len(files(second.output / "audio")) == 12


def test_no_split_hears_the_recordings_of_another(source: Path, tmp_path: Path) -> None:
    parts = choose(options(source, tmp_path))
    heard = [recordings(part) for part in parts.values()]
    assert [len(part) for part in heard] == [28, 4, 8]
    assert len(set.union(*heard)) == 40
    assert {c.fold for c in parts["test"]} == {5}
    assert {c.labels for c in parts["valid"]} == {("low",), ("high",)}


def test_splits_that_are_given(source: Path, tmp_path: Path) -> None:
    clips = choose(options(source, tmp_path))
    (source / "all.jsonl").unlink()
    for name, part in clips.items():
        write_manifest(source / f"{name}.jsonl", part)
    chosen = replace(options(source, tmp_path / "out"), train_folds=(), test_folds=())
    assert choose(chosen) == clips
    with pytest.raises(InputError, match=r"found no all\.jsonl, expected one for --train-folds"):
        prepare(options(source, tmp_path / "out"))


def test_whole_parts(source: Path, tmp_path: Path) -> None:
    """Each clip has one second of sound."""
    prepare(replace(options(source, tmp_path / "out"), whole=True))
    for scene in read_parts(tmp_path / "out")["train"]:
        for event in scene.events or ():
            assert event.offset - event.onset == pytest.approx(1.0, abs=0.02)


def test_recordings_as_background(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "background"
    folder.mkdir()
    chosen = replace(options(source, tmp_path / "out"), background=folder)
    with pytest.raises(InputError, match="background: found no audio file"):
        prepare(chosen)
    soundfile.write(folder / "hum.wav", tone(2500, 1.0), RATE)
    prepare(replace(chosen, scene=replace(SMALL, events=(0, 1), snr=(0.0, 0.0))))
    for scene in read_parts(tmp_path / "out")["train"]:
        waveform = read_audio(tmp_path / "out" / scene.source, RATE)
        assert band(waveform, 2500) > 0.3 * np.mean(waveform**2) / 2


def test_short_backgrounds_follow_each_other(tmp_path: Path) -> None:
    """At one level, one fading into the other; where one is long enough, nothing is joined."""
    for frequency, seconds in ((2000, 2.0), (3000, 3.0)):
        sound = tone(frequency, seconds) * frequency / 3000
        soundfile.write(tmp_path / f"{frequency}.wav", sound, RATE)
    files = sorted(tmp_path.iterdir())
    whole = joined(files, 20 * RATE, RATE, np.random.default_rng(0))
    assert len(whole) == 20 * RATE
    seconds = whole.reshape(40, -1)
    assert np.sqrt(np.mean(seconds**2, 1)) == pytest.approx(1, abs=0.3)
    heard = [[band(part, f) for part in seconds] for f in (2000, 3000)]
    assert all(sum(level > 0.5 * max(track) for level in track) >= 4 for track in heard)
    draws = np.random.default_rng(1), np.random.default_rng(1)
    short = joined(files[:1], RATE, RATE, draws[0])
    draws[1].integers(1)
    part = excerpt(files[0], 1.0, RATE, draws[1])
    np.testing.assert_allclose(short, part / np.sqrt(np.mean(part**2)), atol=1e-4)


def test_each_split_has_its_own_background(source: Path, tmp_path: Path) -> None:
    folder, hums = tmp_path / "background", {"train": 2000, "valid": 2500, "test": 3000}
    for split, frequency in hums.items():
        (folder / split).mkdir(parents=True)
        soundfile.write(folder / split / "hum.wav", tone(frequency, 1.0), RATE)
    scene = replace(SMALL, events=(0, 1), snr=(0.0, 0.0))
    prepare(replace(options(source, tmp_path / "out"), background=folder, scene=scene))
    for split, scenes in read_parts(tmp_path / "out").items():
        for clip in scenes:
            waveform = read_audio(tmp_path / "out" / clip.source, RATE)
            heard = {name: band(waveform, frequency) for name, frequency in hums.items()}
            assert max(heard, key=lambda name: heard[name]) == split


def test_sounds_that_are_no_events(source: Path, tmp_path: Path) -> None:
    """Clips without a tag are mixed in and not told."""
    chosen = replace(options(source, tmp_path / "out"), untagged=0.9)
    with pytest.raises(InputError, match=r"--untagged 0\.9: found no clip without a tag"):
        prepare(chosen)
    clips = read_manifest(source / "all.jsonl")
    write_manifest(
        source / "all.jsonl",
        [replace(c, tags=()) if c.tags == ("high",) and c.id[-1] != "0" else c for c in clips],
    )
    scene = replace(SMALL, events=(1, 1), snr=(15.0, 15.0))
    prepare(replace(chosen, untagged=0.6, scene=scene))
    untold = [scene for scene in read_parts(tmp_path / "out")["train"] if not scene.events]
    assert 4 < len(untold) < 10
    for scene in untold:
        waveform = read_audio(tmp_path / "out" / scene.source, RATE)
        assert band(waveform, 4000) > 10 * band(waveform, 2500)
    with pytest.raises(ConfigError, match=r"--untagged: found 1, expected a share"):
        prepare(replace(chosen, untagged=1))


def test_what_cannot_be_mixed(source: Path, tmp_path: Path, capsys) -> None:
    chosen = options(source, tmp_path / "out")
    for train, test in (((), (5,)), ((1, 2), (2,)), ((1,), (6,))):
        with pytest.raises(InputError, match=r"--train-folds .*expected some of .*none in both"):
            prepare(replace(chosen, train_folds=train, test_folds=test))
    with pytest.raises(InputError, match="--test-scenes: found 4 with 0 clips to mix"):
        prepare(replace(chosen, test_folds=()))
    with pytest.raises(InputError, match="--train-scenes: found 0 with 28 clips"):
        prepare(replace(chosen, train_scenes=0))
    with pytest.raises(InputError, match="expected a folder that a prepare script wrote"):
        prepare(replace(chosen, source=tmp_path / "nowhere"))
    silent = Utterance("s", 2.0, audio="audio/silent.wav", tags=("high",))
    soundfile.write(source / silent.source, np.zeros(RATE), RATE)
    with pytest.raises(InputError, match="found no clip that sounds"):
        Sounds(chosen, [silent])
    assert "left out: 1 clips are silent or too short: s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        {"polyphony": 0},
        {"events": (3, 1)},
        {"events": (0, 0)},
        {"snr": (9.0, 3.0)},
        {"event_seconds": (0.1, 1.0)},
        {"event_seconds": (1.0, 20.0)},
        {"sample_rate": 100},
    ],
)
def test_settings_are_checked(wrong: dict) -> None:
    flag = "--" + next(iter(wrong)).replace("_", "-")
    with pytest.raises(ConfigError, match=f"{flag}: found .*, expected"):
        SceneConfig(**wrong)


def test_sounding_parts() -> None:
    """Pauses of half a second part events; a soft part beside a loud one is none."""
    parts = [tone(1000, 0.5, 0.4), tone(1000, 0.1, 0.01), 0.1 * tone(1000, 0.5, 0.5)]
    found = regions(np.concatenate(parts), RATE)
    assert [(first / RATE, end / RATE) for first, end in found] == [
        (pytest.approx(0.4, abs=0.02), pytest.approx(0.9, abs=0.02)),
        (pytest.approx(1.31, abs=0.02), pytest.approx(1.56, abs=0.02)),
    ] or len(found) == 1
    assert regions(np.zeros(RATE, np.float32), RATE) == []
    assert regions(tone(1000, 0.1), RATE) == []


def test_rumble_is_not_sounding() -> None:
    rumble = 0.2 * np.sin(2 * np.pi * 20 * np.arange(2 * RATE) / RATE)
    waveform = (rumble + tone(2000, 1.0, 0.5)).astype(np.float32)
    ((first, end),) = regions(waveform, RATE)
    assert first / RATE == pytest.approx(0.5, abs=0.02) and end / RATE == pytest.approx(
        1.5, abs=0.02
    )


def test_a_cut_begins_and_ends_with_sound() -> None:
    waveform = np.concatenate([tone(1000, 0.3, 0.15)] * 5 + [tone(1000, 0.3)])
    ((first, end),) = regions(waveform, RATE)
    for seed in range(50):
        draw = np.random.default_rng(seed)
        piece = cut(waveform, (first, end), draw.uniform(0.25, 2.5), RATE, draw)
        assert len(piece) >= 0.25 * RATE
        assert np.abs(piece[:400]).max() > 0.05
        assert np.abs(piece[-400:]).max() > 0.05 or len(piece) == 0.25 * RATE
    assert np.abs(faded(tone(1000, 1.0), RATE)[[0, -1]]).max() < 1e-3


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 12))
def test_polyphony(seed: int, polyphony: int, most: int) -> None:
    config = replace(SMALL, polyphony=polyphony, events=(most, most), sample_rate=4000)

    def event(draw: np.random.Generator) -> tuple[str, np.ndarray]:
        samples = int(draw.uniform(0.25, 2.0) * 4000)
        return "abc"[draw.integers(3)], draw.standard_normal(samples).astype(np.float32)

    waveform, events = mix(config, event, background, np.random.default_rng(seed))
    assert len(waveform) == 12000 and np.isfinite(waveform).all()
    for e in events:
        assert sum(o.onset <= e.onset < o.offset for o in events) <= polyphony
        same = [o for o in events if o.label == e.label and o is not e]
        assert all(o.onset >= e.offset + 0.499 or o.offset + 0.499 <= e.onset for o in same)
        assert e.offset <= 3.0


def test_snr() -> None:
    """An event of the background's own colour has the power over it that is asked for."""
    config = replace(SMALL, events=(1, 1), snr=(10.0, 10.0), seconds=6.0)

    def white(samples: int, draw: np.random.Generator) -> np.ndarray:
        return draw.standard_normal(samples).astype(np.float32)

    waveform, (event,) = mix(
        config, lambda draw: ("x", 0.01 * white(32000, draw)), white, np.random.default_rng(0)
    )
    inside = np.zeros(len(waveform), bool)
    inside[round(event.onset * RATE) : round(event.offset * RATE)] = True
    ratio = np.mean(waveform[inside] ** 2) / np.mean(waveform[~inside] ** 2)
    assert 10 * np.log10(ratio - 1) == pytest.approx(10.0, abs=0.3)


def test_no_room() -> None:
    draw = np.random.default_rng(0)
    assert place(SMALL, [], "a", 4 * RATE, draw) is None
    assert place(SMALL, [Event(0.0, 3.0, "a")], "a", RATE, draw) is None
    assert place(SMALL, [Event(0.0, 3.0, "b")], "a", RATE, draw) is not None


def test_esc10(tmp_path: Path) -> None:
    prepare_esc50.prepare(prepare_esc50.Options(shared("esc10"), tmp_path / "clips"))
    counts = {"train_scenes": 12, "valid_scenes": 2, "test_scenes": 2}
    scene = SceneConfig(events=(5, 5))
    prepare(Options(tmp_path / "clips", tmp_path / "out", (1,), (5,), scene=scene, **counts))
    parts = read_parts(tmp_path / "out")
    assert [len(part) for part in parts.values()] == [2, 12, 2]
    assert all(0.249 <= e.offset - e.onset <= 4.01 for c in parts["train"] for e in c.events or ())
