"""Recordings of any length: the values of one pass, whatever the network and normalisation."""

from __future__ import annotations

import tempfile
import weakref
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_rnn.audio import read_audio
from audio_rnn.errors import StorageError
from audio_rnn.features import FeatureConfig
from audio_rnn.inference.sweep import gathered, log_probs_of
from audio_rnn.models import recurrent, sweep
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.threads import take_second
from audio_rnn.vocabulary import Vocabulary
from tests.small_model import RATE, write_sounds

NETWORKS = {
    "two directions": {},
    "one direction": {"bidirectional": False},
    "all that a layer can have": {
        "cell": "gru",
        "projection": 8,
        "layer_norm": True,
        "residual": True,
    },
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Longer than a block of features and a sweep of some frames."""
    return write_sounds(tmp_path_factory.mktemp("audio"), 12.34)[0]


def make_model(normalization: str = "none", front: str = "stack", **options: object) -> SpeechModel:
    torch.manual_seed(0)
    network = RecurrentConfig(**{"hidden": 16, "layers": 2, **options})
    acoustic = AcousticConfig(front=front, channels=20, recurrent=network)
    features = FeatureConfig(normalization=normalization)
    model = SpeechModel(SpeechConfig(features, acoustic), Vocabulary.from_texts(["abc def"])).eval()
    if normalization == "global":
        model.features.fit([(torch.randn(1, RATE), torch.tensor([RATE]))])
    return model


def one_pass(model: SpeechModel, file: Path) -> np.ndarray:
    waveform = torch.from_numpy(read_audio(file, RATE))[None]
    with torch.inference_mode():
        log_probs, _ = model(waveform, torch.tensor([waveform.shape[1]]))
    return log_probs[0].numpy()


@pytest.mark.parametrize("options", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("front", ["stack", "convolution"])
def test_any_network_gives_what_one_pass_gives(file, monkeypatch, options, front):
    model = make_model(front=front, **options)
    expected = one_pass(model, file)
    monkeypatch.setattr(recurrent, "SWEEP", 37)
    monkeypatch.setattr(sweep, "SWEEP", 37)
    found = log_probs_of(model, file)
    np.testing.assert_allclose(found, expected, atol=5e-6, rtol=0)
    try:
        take_second()
        np.testing.assert_array_equal(log_probs_of(model, file), found)
    finally:
        take_second(False)


@pytest.mark.parametrize("normalization", ["none", "utterance", "global", "sliding"])
def test_any_normalisation_gives_what_one_pass_gives(file, normalization):
    model = make_model(normalization)
    expected = one_pass(model, file)
    np.testing.assert_allclose(log_probs_of(model, file), expected, atol=5e-6, rtol=0)


def test_a_sweep_where_one_pass_cuts_differs_by_no_bit(file, monkeypatch):
    """As the recurrent layers cut at the same frames; the linear output sees other row counts."""
    model = make_model("global").acoustic
    frames = torch.randn(1, 900, model.inputs)
    monkeypatch.setattr(recurrent, "SWEEP", 64)
    monkeypatch.setattr(sweep, "SWEEP", 64)
    monkeypatch.setattr(model, "log_probs", lambda x: x)
    monkeypatch.setattr(model, "output_stage", lambda: lambda x, last: x)
    with torch.inference_mode():
        expected, _ = model(frames, torch.tensor([900]))
    assert torch.equal(torch.cat(list(sweep.sweep(model, frames[0].split(50)))), expected[0])


def test_pieces_are_gathered_one_after_the_other():
    """As together in memory they would scatter what the network needs."""
    alive: list[int] = []

    def pieces():
        met: list[weakref.ref[np.ndarray]] = []
        for count in (3, 0, 5, 2):
            piece = np.full((count, 4), count, np.float32)
            met.append(weakref.ref(piece))
            yield piece
            del piece
            alive.append(sum(one() is not None for one in met[:-1]))

    whole = gathered(pieces(), 4)
    assert whole[:, 0].tolist() == [3] * 3 + [5] * 5 + [2] * 2
    assert alive == [0, 0, 0, 0]


def test_a_full_disk_is_a_named_error(file, monkeypatch):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(full.open, "r+b"))
    with pytest.raises(StorageError, match="No space left"):
        log_probs_of(make_model(), file)


def test_nothing_stays_on_disk_after_a_failure(file, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = make_model()
    monkeypatch.setattr(model.acoustic, "log_probs", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        log_probs_of(model, file)
    assert not list(tmp_path.iterdir())
