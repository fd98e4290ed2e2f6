"""What is heard in files: the same in every batch and piece, windows, silence, failures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.audio import read_audio, write_audio
from audio_rnn.decoding.events import DetectionConfig, Rule, save_rules
from audio_rnn.errors import AudioError, ConfigError, InputError, ModelError
from audio_rnn.inference.failure import Failure
from audio_rnn.inference.tagger import Tagger
from audio_rnn.inference.tags import TagConfig
from tests.small_model import RATE, save_small_model, sound, write_sounds
from tests.small_tagger import NAMES, save_small_tagger, small_tagger

LENGTHS = (2.0, 0.1, 3.7, 0.02, 5.1, 3.6, 0.9)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    return write_sounds(tmp_path_factory.mktemp("audio"), *LENGTHS)


def tagger(**options: object) -> Tagger:
    return Tagger(small_tagger(), "cpu", **options)


def test_a_file_gives_what_the_model_gives_for_its_waveform(files):
    tags = tagger().tag(files[0])
    model = small_tagger()
    waveform = torch.from_numpy(read_audio(files[0], RATE))[None]
    with torch.inference_mode():
        scores = model(waveform, torch.tensor([waveform.shape[1]]))
    expected = dict(zip(NAMES, model.probabilities(scores.clips)[0].tolist()))
    assert {tag.label: tag.probability for tag in tags.tags} == pytest.approx(expected, abs=6e-5)
    assert (tags.path, tags.duration, tags.windows) == (str(files[0]), 2.0, ())
    assert all(one.probability >= other.probability for one, other in pairwise(tags.tags))


@pytest.mark.parametrize("batch_seconds", [0.01, 3.65, 7.5, 60.0])
def test_neither_batches_nor_pieces_change_anything(files, batch_seconds):
    config = TagConfig(window_seconds=1.0)
    alone, together = tagger(), tagger(batch_seconds=batch_seconds)
    tags = [alone.tag(path, config) for path in files]
    for one, other in zip(tags, together.tag_many(files, config), strict=True):
        assert (one.path, one.duration) == (other.path, other.duration)
        for a, b in zip((one, *one.windows), (other, *other.windows), strict=True):
            expected = {tag.label: tag.probability for tag in a.tags}
            assert {t.label: t.probability for t in b.tags} == pytest.approx(expected, abs=2e-4)
    found = [alone.detect(path) for path in files]
    assert sum(len(detections.events) for detections in found) > 20
    for one, other in zip(found, together.detect_many(files), strict=True):
        assert [(e.onset, e.offset, e.label) for e in one.events] == [
            (e.onset, e.offset, e.label) for e in other.events
        ]
        scores = [event.score for event in other.events]
        assert scores == pytest.approx([event.score for event in one.events], abs=2e-4)


def test_events_lie_inside_the_recording_in_order(files):
    for found in tagger().detect_many(files):
        assert list(found.events) == sorted(found.events)
        assert all(0 <= e.onset < e.offset <= found.duration for e in found.events)
        assert all(0 < e.score <= 1 for e in found.events)


def test_only_the_tags_that_are_asked_for(files):
    every = tagger().tag(files[0]).tags
    assert len(every) == len(NAMES)
    assert tagger().tag(files[0], TagConfig(top=2)).tags == every[:2]
    likely = tagger().tag(files[0], TagConfig(above=every[1].probability)).tags
    assert likely == every[:2]
    for wrong in ({"top": 0}, {"above": 1.5}, {"window_seconds": 0.0}):
        with pytest.raises(ConfigError, match=f"{next(iter(wrong))}: found"):
            TagConfig(**wrong)
    with pytest.raises(ConfigError, match=r"a step of the model, 0\.04 s"):
        tagger().tag(files[0], TagConfig(window_seconds=0.01))


@pytest.mark.parametrize("seconds", [1.0, 0.33, 5.1, 7.0])
def test_windows_cover_the_recording(files, seconds):
    windows = tagger().tag(files[4], TagConfig(window_seconds=seconds)).windows
    assert [w.onset for w in windows] == pytest.approx(np.arange(0, 5.1 - 1e-9, seconds))
    assert windows[-1].offset == 5.1
    assert all(a.offset == b.onset for a, b in pairwise(windows))


def test_a_window_pools_its_own_steps(files):
    model = tagger()
    windows = model.tag(files[4], TagConfig(window_seconds=1.0)).windows
    whole = model.tag(files[4])
    assert model.tag(files[4], TagConfig(window_seconds=6.0)).windows[0].tags == whole.tags
    rows = model._rows([_recording(model, files[4])], clips=True)[0]
    mask = torch.ones(1, 25, dtype=torch.bool)
    network = model.model.tagger
    scores = network.clip_scores(network.sums(rows[:, 50:75].double(), mask))
    expected = dict(zip(NAMES, scores.sigmoid()[0].tolist()))
    third = {tag.label: tag.probability for tag in windows[2].tags}
    assert third == pytest.approx(expected, abs=1e-4)


def _recording(tagger: Tagger, path: Path) -> object:
    from audio_rnn.inference.batched import Recording
    from audio_rnn.inference.reading import Reading

    reading = Reading(tagger.model.features, path)
    return Recording(str(path), torch.cat(list(reading)), reading.meter)


def test_the_track_of_a_part_is_that_part_of_the_track(files):
    model = tagger()
    whole, part = model.track(files[4]), model.track(files[4], 1.01, 2.99)
    assert len(whole.probabilities) * 0.04 == pytest.approx(5.1, abs=0.04)
    assert part.start == pytest.approx(1.0)
    np.testing.assert_array_equal(part.probabilities, whole.probabilities[25:75])


@pytest.mark.parametrize("batch_seconds", [1.0, 60.0])
def test_no_event_is_found_in_digital_silence(tmp_path, batch_seconds):
    silence, late = tmp_path / "silence.wav", tmp_path / "late.wav"
    nothing = np.zeros(3 * RATE, np.float32)
    write_audio(silence, nothing, RATE)
    write_audio(late, np.concatenate([nothing, sound(2.0)]), RATE)
    model = tagger(rules=DetectionConfig(otherwise=Rule(0.01)), batch_seconds=batch_seconds)
    assert model.detect(silence).events == ()
    assert len(model.tag(silence).tags) == len(NAMES)
    events = model.detect(late).events
    assert events
    assert all(event.onset >= 3.0 - model.model.step_seconds for event in events)


def test_rules_of_the_folder_are_used_and_can_be_overridden(files, tmp_path):
    folder = save_small_tagger(tmp_path)
    strict = DetectionConfig({name: Rule(0.99, 0.0) for name in NAMES[:4]})
    save_rules(folder / "model", strict)
    default = Tagger(small_tagger(), "cpu").detect(files[0])
    tuned = Tagger.load(folder, "cpu")
    assert tuned.rules == strict
    assert tuned.detect(files[0]) != default
    free = Tagger.load(folder, "cpu", threshold=0.2)
    assert free.rules.rule(NAMES[0]) == Rule(0.2, 0.0)
    assert free.rules.rule(NAMES[4]) == Rule(0.2, 0.25)
    with pytest.raises(ConfigError, match=r"threshold: found 1\.0"):
        Tagger.load(folder, "cpu", threshold=1.0)


def test_several_trainings_tell_their_mean_however_long_the_file(files, tmp_path):
    folders = [save_small_tagger(tmp_path / str(n), small_tagger(seed=n)) for n in (0, 1)]
    alone = [Tagger.load(folder, "cpu") for folder in folders]
    together = Tagger.load(folders[0], "cpu", others=folders[1:])
    for path in files:
        told = [{tag.label: tag.probability for tag in one.tag(path).tags} for one in alone]
        expected = {label: (told[0][label] + told[1][label]) / 2 for label in NAMES}
        found = {tag.label: tag.probability for tag in together.tag(path).tags}
        assert found == pytest.approx(expected, abs=1.1e-4)
    tracks = [one.track(files[0]).probabilities for one in (*alone, together)]
    np.testing.assert_allclose(tracks[2], (tracks[0] + tracks[1]) / 2, atol=1e-6)
    long = tmp_path / "long.wav"
    write_audio(long, np.tile(sound(7.0), 10), RATE)
    swept, whole = (
        Tagger(small_tagger(), "cpu", batch_seconds=seconds, others=[small_tagger(seed=1)])
        for seconds in (5.0, 100.0)
    )
    np.testing.assert_allclose(
        swept.track(long).probabilities, whole.track(long).probabilities, atol=1e-5
    )
    tags = [{t.label: t.probability for t in one.tag(long).tags} for one in (swept, whole)]
    assert tags[0] == pytest.approx(tags[1], abs=2e-4)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_texture_of_a_long_file_is_that_of_the_whole(bidirectional, tmp_path):
    """Also where the network's rows come as soon as their frames."""
    path = tmp_path / "long.wav"
    write_audio(path, np.concatenate([sound(7.0, n) * 0.3**n for n in range(10)]), RATE)
    swept, whole = (
        Tagger(small_tagger(bidirectional), "cpu", batch_seconds=seconds)
        for seconds in (5.0, 100.0)
    )
    config = TagConfig(window_seconds=9.0)
    one, other = (tagger.tag(path, config) for tagger in (swept, whole))
    for a, b in zip((one, *one.windows), (other, *other.windows), strict=True):
        expected = {tag.label: tag.probability for tag in b.tags}
        assert {t.label: t.probability for t in a.tags} == pytest.approx(expected, abs=2e-4)


def test_other_configs_are_refused(tmp_path):
    one = save_small_tagger(tmp_path / "one")
    other = save_small_tagger(tmp_path / "other", small_tagger(bidirectional=False))
    with pytest.raises(ModelError, match=r"other: found another config .* name one model"):
        Tagger.load(one, "cpu", others=[other])


def test_a_bad_file_is_a_failure_and_stops_no_other(files, tmp_path):
    text, empty = tmp_path / "text.wav", tmp_path / "empty.wav"
    text.write_text("no sound")
    empty.touch()
    missing = tmp_path / "missing.wav"
    results = list(tagger().detect_many([text, files[0], missing, empty, files[1]]))
    assert [isinstance(r, Failure) for r in results] == [True, False, True, True, False]
    assert results[1] == tagger().detect(files[0])
    with pytest.raises(AudioError, match=r"missing\.wav: cannot be read"):
        tagger().tag(missing)
    with pytest.raises(InputError, match=r"found 'a\.wav', expected several files"):
        list(tagger().tag_many("a.wav"))


def test_other_folders_are_refused(tmp_path):
    speech = save_small_model(tmp_path / "speech")
    with pytest.raises(ModelError, match="speech"):
        Tagger.load(speech)
    with pytest.raises(ModelError, match="no such folder"):
        Tagger.load(tmp_path / "none")
    incomplete = save_small_tagger(tmp_path / "half")
    next((incomplete / "model").glob("*.safetensors")).unlink()
    with pytest.raises(ModelError, match="half"):
        Tagger.load(incomplete)
    broken = save_small_tagger(tmp_path / "broken")
    (broken / "model/detection.json").write_text('{"dog": {"threshold": 2}}')
    with pytest.raises(ModelError, match=r"detection\.json: broken"):
        Tagger.load(broken)
