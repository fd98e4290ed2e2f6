"""Frames of a stream: those of the whole signal, each as soon as its samples are there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.errors import ConfigError
from audio_rnn.features import FeatureConfig, Features
from audio_rnn.features.stages import Local
from tests.small_model import sound

DIALECTS = ("torchaudio", "librosa", "kaldi", "sphinx")
SIGNAL = torch.from_numpy(sound(1.3))
FLAT = {"kind": "log_mel", "flatness_ms": 60.0}
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def make(normalization: str = "none", **options: object) -> Features:
    features = Features(FeatureConfig(normalization=normalization, sliding_seconds=0.2, **options))
    if normalization == "global":
        features.fit([(torch.randn(1, 16000), torch.tensor([16000]))])
    return features


def offline(features: Features, signal: torch.Tensor) -> torch.Tensor:
    return features(signal[None], torch.tensor([len(signal)]))[0][0]


def streamed(features: Features, blocks: list[torch.Tensor]) -> torch.Tensor:
    stage = features.stream()
    return torch.cat([*(stage(block, False) for block in blocks), stage(SIGNAL[:0], True)])


@every_dialect
@pytest.mark.parametrize("kind", ["mfcc", "log_mel"])
@pytest.mark.parametrize("normalization", ["none", "global", "sliding"])
def test_a_stream_gives_the_frames_of_the_whole(dialect, kind, normalization):
    features = make(normalization, dialect=dialect, kind=kind)
    whole = offline(features, SIGNAL)
    for cuts in ([1, 2, 500, 501, 20000], range(0, len(SIGNAL), 160), range(0, len(SIGNAL), 977)):
        joined = streamed(features, list(SIGNAL.tensor_split(list(cuts))))
        torch.testing.assert_close(joined, whole, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("n_fft", [None, 700, 1200])
@pytest.mark.parametrize("dialect", ["torchaudio", "librosa"])
def test_a_stream_gives_the_flatness_of_the_whole(dialect, n_fft):
    features = make("sliding", dialect=dialect, n_fft=n_fft, **FLAT)
    for length in (1, 90, 700, len(SIGNAL)):
        whole = offline(features, SIGNAL[:length])
        joined = streamed(features, list(SIGNAL[:length].split(160)))
        torch.testing.assert_close(joined, whole, atol=1e-3, rtol=1e-4)


@settings(max_examples=40)
@given(
    st.sampled_from(DIALECTS),
    st.integers(1, 3000),
    st.lists(st.integers(0, 3000), max_size=4),
    st.sampled_from([(25.0, 10.0), (25.0, 25.0), (10.0, 5.0)]),
    st.sampled_from([None, 512, 700]),
    st.sampled_from([0, 1, 2]),
)
def test_signals_of_any_length_in_any_blocks(dialect, length, cuts, window, n_fft, deltas):
    features = make(
        dialect=dialect,
        window_ms=window[0],
        hop_ms=window[1],
        n_fft=n_fft,
        deltas=deltas,
        n_mels=20,
    )
    signal = SIGNAL[:length]
    joined = streamed(features, list(signal.tensor_split(sorted(cuts))))
    torch.testing.assert_close(joined, offline(features, signal), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", [*({"dialect": name} for name in DIALECTS), FLAT], ids=str)
@pytest.mark.parametrize("deltas", [1, 2])
def test_a_frame_comes_with_the_last_sample_that_it_depends_on(options, deltas):
    features = make(deltas=deltas, **options)
    stage, hop, came = features.stream(), features.config.hop_length, []
    for i, sample in enumerate(SIGNAL[:2500].split(1), 1):
        came += [i] * len(stage(sample, False))
    assert len(came) > 8
    assert came == [(frame + 1) * hop + features.delay for frame in range(len(came))]
    frame, signal = 4, SIGNAL[:8000].clone()
    before = offline(features, signal)[frame]
    signal[came[frame] :] = 0
    torch.testing.assert_close(offline(features, signal)[frame], before, atol=1e-4, rtol=0)
    signal[came[frame] - 8 : came[frame]] = 50.0  # a window ends in weights of almost 0
    assert (offline(features, signal)[frame] - before).abs().max() > 1e-4


def test_what_is_held_does_not_grow():
    stage, sizes = make("sliding").stream(), []
    for block in torch.randn(60 * 16000).split(1600):
        stage(block, False)
        held = [s.held for s in stage.stages if isinstance(s, Local)]
        log_mel = stage.stages[0]
        sizes.append(sum(map(len, [*held, log_mel.signal, log_mel.tail])))
    assert max(sizes[300:]) <= max(sizes[:300])


@pytest.mark.parametrize("options", [{"normalization": "utterance"}, {"top_db": 80.0}])
def test_what_only_the_end_decides_is_refused(options):
    with pytest.raises(
        ConfigError, match=r"expected normalization none, global or sliding .* train"
    ):
        make(**options).stream()


def test_a_function_with_stride_past_and_future_is_cut_anywhere():
    """Sums over frames 4 t - 6 to 4 t + 5, with zeros around the sequence."""

    def sums(x: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(x[:, 0], (6, 8))
        return padded.unfold(0, 12, 4)[: -(-len(x) // 4)].sum(1, keepdim=True)

    random = np.random.default_rng(0)
    for length in range(40):
        x = torch.arange(1.0, length + 1)[:, None]
        stage = Local(sums, 1, past=6, future=5, stride=4)
        cuts = np.sort(random.integers(0, length + 1, 5)).tolist()
        rows = [*(stage(piece, False) for piece in x.tensor_split(cuts)), stage(x[:0], True)]
        assert torch.equal(torch.cat(rows), sums(x) if length else x)


def test_constant_sound_differs_by_no_rounding_that_normalisation_would_amplify():
    features, silence = make("sliding"), torch.zeros(30000)
    signal = torch.cat([silence, SIGNAL, silence])
    joined = streamed(features, list(signal.split(160)))
    torch.testing.assert_close(joined, offline(features, signal), atol=1e-5, rtol=0)
