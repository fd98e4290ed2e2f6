from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audio_rnn.errors import InputError
from recipes.speech_recognition.prepare_lhotse import Options, prepare
from tests.recipes.prepared import read_all, write_sound


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two recordings: one said whole, one of two channels with a piece said in each."""
    pytest.importorskip("lhotse", reason="the extra [lhotse] is not installed")
    root = tmp_path / "corpus"
    write_sound(root / "a.wav", 2.0)
    ramp = np.stack([np.linspace(0, 0.5, 32000), np.linspace(0, -0.5, 32000)], axis=1)
    soundfile.write(root / "b.wav", ramp, 16000)
    recordings = [recording(root, "a", 1), recording(root, "b", 2)]
    supervisions = [
        supervision("a-1", "a", 0.0, 2.0, 0, "HELLO"),
        supervision("b-1", "b", 0.0, 1.0, 0, "LEFT"),
        supervision("b/2", "b", 1.0, 0.5, 1, "RIGHT"),
    ]
    write_lines(root / "recordings.jsonl", recordings)
    write_lines(root / "supervisions.jsonl", supervisions)
    return root


def recording(root: Path, name: str, channels: int) -> dict[str, object]:
    numbers = list(range(channels))
    source = {"type": "file", "channels": numbers, "source": str(root / f"{name}.wav")}
    sizes = {"sampling_rate": 16000, "num_samples": 32000, "duration": 2.0}
    return {"id": name, "sources": [source], "channel_ids": numbers, **sizes}


def supervision(
    name: str, recording: str, start: float, duration: float, channel: int, text: str
) -> dict[str, object]:
    place = {"recording_id": recording, "start": start, "duration": duration, "channel": channel}
    return {"id": name, **place, "text": text, "speaker": recording.upper()}


def write_lines(path: Path, lines: list[dict[str, object]]) -> None:
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")


def pair(root: Path) -> tuple[Path, ...]:
    return root / "recordings.jsonl", root / "supervisions.jsonl"


def check(output: Path) -> None:
    found = {u.id: u for u in read_all(output)["train"]}
    assert {name: u.text for name, u in found.items()} == {
        "a-1": "HELLO",
        "b-1": "LEFT",
        "b/2": "RIGHT",
    }
    assert found["a-1"].audio == "source/a.wav" and found["a-1"].speaker == "A"
    waveform, rate = soundfile.read(output / found["b/2"].audio)
    assert (len(waveform), rate, found["b/2"].duration) == (8000, 16000, 0.5)
    np.testing.assert_allclose(waveform, np.linspace(0, -0.5, 32000)[16000:24000], atol=1e-4)


def test_recordings_and_supervisions(corpus: Path, tmp_path: Path) -> None:
    prepare(Options(corpus, pair(corpus), output=tmp_path / "out"))
    check(tmp_path / "out")


def test_cuts(corpus: Path, tmp_path: Path) -> None:
    import lhotse

    recordings, supervisions = map(lhotse.load_manifest, pair(corpus))
    cuts = lhotse.CutSet.from_manifests(recordings, supervisions)
    cuts.to_file(corpus / "cuts.jsonl.gz")
    prepare(Options(corpus, (corpus / "cuts.jsonl.gz",), output=tmp_path / "out"))
    check(tmp_path / "out")


def test_bad_input(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(InputError, match="expected one CutSet, or a RecordingSet"):
        prepare(Options(corpus, pair(corpus)[:1], output=output))
    (corpus / "broken.jsonl").write_text("{\n")
    with pytest.raises(InputError, match=r"broken\.jsonl: cannot be read by Lhotse"):
        prepare(Options(corpus, (corpus / "broken.jsonl",), output=output))
    with pytest.raises(InputError, match="lies outside"):
        prepare(Options(output_folder(tmp_path), pair(corpus), output=output))
    (corpus / "a.wav").unlink()
    with pytest.raises(InputError, match=r"recording 'a': .*a\.wav is missing"):
        prepare(Options(corpus, pair(corpus), output=output))
    write_lines(corpus / "recordings.jsonl", [recording(corpus, "b", 2)])
    with pytest.raises(InputError, match="1 transcripts without audio: a"):
        prepare(Options(corpus, pair(corpus), output=output))


@pytest.mark.parametrize("cut", [30, -1])
def test_a_manifest_that_is_cut_off_is_named(corpus: Path, tmp_path: Path, cut: int) -> None:
    packed = gzip.compress((corpus / "supervisions.jsonl").read_bytes())
    path = corpus / "supervisions.jsonl.gz"
    path.write_bytes(packed[:cut])
    options = Options(corpus, (corpus / "recordings.jsonl", path), output=tmp_path / "out")
    with pytest.raises(InputError, match=r"supervisions\.jsonl\.gz: cannot be read by Lhotse"):
        prepare(options)


@pytest.mark.parametrize(("field", "value"), [("duration", -1.0), ("duration", "2 s")])
def test_impossible_values_are_named(
    corpus: Path, tmp_path: Path, field: str, value: object
) -> None:
    lines = [{**supervision("a-1", "a", 0.0, 2.0, 0, "HELLO"), field: value}]
    write_lines(corpus / "supervisions.jsonl", lines)
    with pytest.raises(InputError, match=r"supervisions\.jsonl: refused by Lhotse's checks: "):
        prepare(Options(corpus, pair(corpus), output=tmp_path / "out"))


def output_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_without_lhotse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lhotse", None)
    with pytest.raises(InputError, match=r"pip install audio-rnn\[lhotse\]"):
        prepare(Options(tmp_path, (tmp_path / "cuts.jsonl",), output=tmp_path / "out"))
