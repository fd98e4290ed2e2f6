"""Every dialect against its reference, and values that neither padding nor blocks can change."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path

import kaldi_native_fbank
import librosa
import numpy as np
import pocketsphinx
import pytest
import torch
import torchaudio

from audio_rnn.audio import read_audio
from audio_rnn.config import from_dict, to_dict
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.features import Deltas, FeatureConfig, Features, Normalizer
from audio_rnn.features.spectral import FRAMES_PER_BLOCK

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
DIALECTS = ("torchaudio", "librosa", "kaldi", "sphinx")
SPHINX = FeatureConfig(
    dialect="sphinx", window_ms=25.625, f_min=130.0, f_max=6800.0, normalization="none"
)
FLAT = FeatureConfig(kind="log_mel", window_ms=40.0, hop_ms=20.0, flatness_ms=100.0)


def synthetic(seconds: float = 3.0) -> np.ndarray:
    """A chirp with noise, a silence in it, quantised to 16 bits as a file would be."""
    times = np.arange(round(seconds * 16000)) / 16000
    tone = np.sin(2 * np.pi * (200 * times + 400 * times**2))
    noise = np.random.default_rng(0).standard_normal(len(times))
    signal = (0.3 * tone + 0.02 * noise) * (np.abs(times - seconds / 2) > 0.2)
    return (np.round(signal * 32768) / 32768).astype(np.float32)


def real() -> np.ndarray:
    files = sorted((SHARED / "librispeech_mini" / "audio").glob("*.ogg"))
    if not files:
        pytest.skip("librispeech_mini is not among the shared data")
    return np.round(read_audio(files[0], 16000) * 32768).clip(-32768, 32767) / np.float32(32768)


@pytest.fixture(params=[synthetic, real], ids=["synthetic", "real"])
def signal(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param()


def static(config: FeatureConfig, signal: np.ndarray) -> np.ndarray:
    frames, lengths = Features(config).static(*alone(signal))
    assert lengths.tolist() == [frames.shape[1]]
    return frames[0].numpy()


def alone(signal: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(signal)[None], torch.tensor([len(signal)])


# The tolerances are for float32 arithmetic on values up to a few hundred; libraries differ in
# the order of their sums.


@pytest.mark.parametrize("n_fft", [400, 512])
@pytest.mark.parametrize("f_min", [0.0, 60.0])
def test_torchaudio_dialect(signal: np.ndarray, n_fft: int, f_min: float) -> None:
    spectrogram = {"n_fft": n_fft, "win_length": 400, "hop_length": 160, "n_mels": 40}
    reference = torchaudio.transforms.MFCC(16000, 13, melkwargs={**spectrogram, "f_min": f_min})
    config = FeatureConfig(n_fft=n_fft, f_min=f_min, top_db=80.0)
    expected = reference(torch.from_numpy(signal)).T.numpy()
    np.testing.assert_allclose(static(config, signal), expected, atol=2e-3, rtol=0)


def test_torchaudio_defaults(signal: np.ndarray) -> None:
    """What `torchaudio.transforms.MFCC(16000)` does without another word."""
    config = FeatureConfig(hop_ms=12.5, n_mels=128, n_mfcc=40, f_min=0.0, top_db=80.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of 128 filters are empty at 400 points
        expected = torchaudio.transforms.MFCC(16000)(torch.from_numpy(signal)).T.numpy()
        np.testing.assert_allclose(static(config, signal), expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("n_fft", [400, 2048])
def test_librosa_dialect(signal: np.ndarray, n_fft: int) -> None:
    config = FeatureConfig(
        dialect="librosa", n_fft=n_fft, n_mels=64, n_mfcc=20, f_min=0.0, top_db=80.0
    )
    expected = librosa.feature.mfcc(
        y=signal, sr=16000, n_mfcc=20, n_fft=n_fft, win_length=400, hop_length=160, n_mels=64
    )
    np.testing.assert_allclose(static(config, signal), expected.T, atol=5e-3, rtol=0)


def test_librosa_log_mel(signal: np.ndarray) -> None:
    config = FeatureConfig(kind="log_mel", dialect="librosa", f_min=0.0, f_max=7000.0)
    power = librosa.feature.melspectrogram(
        y=signal, sr=16000, n_fft=400, hop_length=160, n_mels=40, fmax=7000
    )
    expected = librosa.power_to_db(power, top_db=None).T
    np.testing.assert_allclose(static(config, signal), expected, atol=5e-3, rtol=0)


def test_kaldi_dialect_against_torchaudio(signal: np.ndarray) -> None:
    config = FeatureConfig(dialect="kaldi", n_mels=23)
    wave = torch.from_numpy(signal)[None] * 32768
    expected = torchaudio.compliance.kaldi.mfcc(wave, snip_edges=True, dither=0.0).numpy()
    np.testing.assert_allclose(static(config, signal), expected, atol=5e-3, rtol=0)


def test_kaldi_dialect_against_kaldi(signal: np.ndarray) -> None:
    """kaldi-native-fbank is Kaldi's own C++ code; C0 in place of the energy."""
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 40
    options.mel_opts.low_freq = 20.0
    options.use_energy = False
    computer = kaldi_native_fbank.OnlineMfcc(options)
    computer.accept_waveform(16000, (signal * 32768).tolist())
    computer.input_finished()
    expected = np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])
    config = FeatureConfig(dialect="kaldi")
    np.testing.assert_allclose(static(config, signal), expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize("samples", [48000, 47777, 410, 411, 250])
def test_sphinx_dialect(tmp_path: Path, samples: int) -> None:
    """The front end of PocketSphinx itself, which logs what it computes."""
    expected = pocketsphinx_mfcc(synthetic()[:samples], tmp_path)
    np.testing.assert_allclose(static(SPHINX, synthetic()[:samples]), expected, atol=2e-4, rtol=0)


def test_sphinx_dialect_on_speech(tmp_path: Path) -> None:
    expected = pocketsphinx_mfcc(real(), tmp_path)
    np.testing.assert_allclose(static(SPHINX, real()), expected, atol=2e-4, rtol=0)


def pocketsphinx_mfcc(signal: np.ndarray, folder: Path) -> np.ndarray:
    """(frames, 13) with the parameters of the AN4 feature files; the others are its defaults."""
    parameters = folder / "feat.params"
    parameters.write_text(
        "-lowerf 130\n-upperf 6800\n-nfilt 40\n-transform legacy\n-lifter 0\n-remove_noise no\n"
        "-feat 1s_c_d_dd\n-svspec 0-12/13-25/26-38\n-agc none\n-cmn none\n"
    )
    decoder = pocketsphinx.Decoder(
        featparams=str(parameters),
        mfclogdir=str(folder),
        dither=False,
        lm=None,
        keyphrase="yes",
        loglevel="ERROR",
    )
    decoder.start_utt()
    decoder.process_raw((signal * 32768).astype(np.int16).tobytes())
    decoder.end_utt()
    (logged,) = folder.glob("*.mfc")
    return np.frombuffer(logged.read_bytes()[4:], ">f4").reshape(-1, 13)


def test_sphinx_dialect_has_the_scale_of_the_an4_files() -> None:
    """Other recordings, so only statistics: the orthonormal transform would be six times as big."""
    files = sorted((SHARED / "an4_mfcc" / "feat").rglob("*.mfc"))[::20]
    if not files:
        pytest.skip("an4_mfcc is not among the shared data")
    frames = [np.frombuffer(file.read_bytes()[4:], ">f4").reshape(-1, 13) for file in files]
    expected = np.concatenate(frames).std(0)
    found = static(SPHINX, real()).std(0)
    assert np.all(found < 2.5 * expected)
    assert np.all(found > expected / 2.5)


@pytest.mark.parametrize("n_fft", [None, 700])
@pytest.mark.parametrize("dialect", ["torchaudio", "librosa"])
def test_flatness_stands_behind_the_same_levels(
    signal: np.ndarray, dialect: str, n_fft: int | None
) -> None:
    config = replace(FLAT, dialect=dialect, n_fft=n_fft, top_db=60.0)
    levels, flatness = np.split(static(config, signal), 2, axis=1)
    plain = static(replace(config, flatness_ms=None), signal)
    np.testing.assert_allclose(levels, plain, atol=1e-4, rtol=0)
    padded = np.pad(signal, 800, "reflect" if dialect == "torchaudio" else "constant")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 1600)[::320]
    power = np.abs(np.fft.rfft(windows * np.hanning(1601)[:-1])) ** 2
    filters = librosa.filters.mel(
        sr=16000, n_fft=1600, n_mels=40, fmin=20, htk=dialect == "torchaudio", norm=1
    )
    power = np.maximum(power, 1e-10)
    exact = (np.log(power) @ filters.T - np.log(power @ filters.T)) * 10 / np.log(10)
    assert len(exact) == len(flatness)
    np.testing.assert_allclose(flatness, exact, atol=0.02, rtol=0)


def test_flatness_tells_tones_from_noise_at_any_level() -> None:
    times = np.arange(16000) / 16000
    noise = np.random.default_rng(0).standard_normal(16000)
    tones = sum(np.sin(2 * np.pi * f * times) for f in range(200, 8000, 200)) + 1e-4 * noise
    found = {
        gain: [static(FLAT, (gain * sound).astype(np.float32))[5:-5, 40:] for sound in (noise, tones)]
        for gain in (0.1, 1.0)
    }  # fmt: skip
    for flat, tonal in found.values():
        assert flat[:, 10:].mean() == pytest.approx(-2.5, abs=0.2)
        assert np.median(tonal[:, 10:]) < -20
    difference = np.abs(np.array(found[0.1]) - np.array(found[1.0]))
    assert np.quantile(difference, 0.9) < 0.05  # what is left is rounding where tones hide the rest
    assert np.abs(static(FLAT, np.zeros(8000, np.float32))[:, 40:]).max() < 1e-4


FRAMES = [
    *(FeatureConfig(dialect=dialect) for dialect in DIALECTS),
    FLAT,
    replace(FLAT, dialect="librosa"),
]


@pytest.mark.parametrize("top_db", [None, 50.0])
@pytest.mark.parametrize("frames", FRAMES, ids=str)
@pytest.mark.parametrize("normalization", ["none", "utterance", "sliding"])
def test_padding_changes_nothing(
    frames: FeatureConfig, top_db: float | None, normalization: str
) -> None:
    """Alone or in a batch with louder, longer and shorter ones, and rubbish in the padding."""
    features = Features(replace(frames, top_db=top_db, normalization=normalization))
    signals = [synthetic(n)[: round(n * 16000) - 7] * n for n in (0.4, 1.1, 2.0)] + [
        synthetic()[:k] for k in (1, 2, 90, 399, 400, 401)
    ]
    waveforms = torch.full((len(signals), 40000), 77.0)
    for row, signal in zip(waveforms, signals):
        row[: len(signal)] = torch.from_numpy(signal)
    batch, lengths = features(waveforms, torch.tensor([len(signal) for signal in signals]))
    for row, length, signal in zip(batch, lengths, signals):
        expected = features(*alone(signal))[0][0]
        assert len(expected) == length == features.frame_count(len(signal))
        torch.testing.assert_close(row[:length], expected, atol=1e-4, rtol=1e-5)
        assert torch.isfinite(expected).all()
        assert not row[length:].any()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_short_signals_have_frames_and_empty_ones_none(dialect: str) -> None:
    features = Features(FeatureConfig(dialect=dialect))
    frames, lengths = features(torch.zeros(1, 0), torch.tensor([0]))
    assert frames.shape == (1, 0, 39)
    assert lengths.tolist() == [0]
    frames, lengths = features(torch.ones(2, 5), torch.tensor([0, 1]))
    assert lengths.tolist() == [0, 1]
    assert features.static_blocks([]).shape == (0, 13)
    assert features.static_blocks([np.ones(1, np.float32)]).shape == (1, 13)


@pytest.mark.parametrize("kind", ["mfcc", "log_mel"])
@pytest.mark.parametrize("top_db", [None, 40.0])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_blocks_give_the_same_values(dialect: str, top_db: float | None, kind: str) -> None:
    features = Features(FeatureConfig(kind=kind, dialect=dialect, top_db=top_db, n_fft=1024))
    block = FRAMES_PER_BLOCK * 160
    for samples in (block, block + 1, 2 * block + 1024, 2 * block + 2047, 2 * block + 2048, 500):
        signal = synthetic(samples / 16000)
        whole = features.static(*alone(signal))[0][0]
        for size in (samples, 16000, 100_003):
            pieces = [signal[start : start + size] for start in range(0, samples, size)]
            torch.testing.assert_close(features.static_blocks(pieces), whole, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("top_db", [None, 40.0])
def test_blocks_give_the_same_flatness(top_db: float | None) -> None:
    features, signal = Features(replace(FLAT, top_db=top_db)), synthetic(45)
    whole = features.static(*alone(signal))[0][0]
    pieces = np.array_split(signal, 11)
    torch.testing.assert_close(features.static_blocks(pieces), whole, atol=1e-4, rtol=1e-5)


def test_values_do_not_depend_on_how_blocks_are_cut() -> None:
    """Bit for bit: the inner blocks are the same."""
    features, signal = Features(FeatureConfig()), synthetic(25)
    whole = features.static_blocks([signal])
    assert torch.equal(whole, features.static_blocks(np.array_split(signal, 777)))


def test_autocast_costs_no_precision() -> None:
    features = Features(FeatureConfig())
    expected = features(*alone(synthetic()))[0]
    blocks = features.static_blocks([synthetic()])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(features(*alone(synthetic()))[0], expected)
        assert torch.equal(features.static_blocks([synthetic()]), blocks)


def test_gradients_reach_the_waveform() -> None:
    for config in FRAMES:
        features = Features(replace(config, normalization="none", deltas=1)).double()
        wave = torch.from_numpy(synthetic(0.06)).double()[None] + 0.01
        wave += 0.1 * torch.randn(wave.shape, dtype=torch.float64)
        wave.requires_grad_()
        weights = torch.randn(features.dim, dtype=torch.float64)

        def objective(
            wave: torch.Tensor, features: Features = features, weights: torch.Tensor = weights
        ) -> torch.Tensor:
            return (features(wave, torch.tensor([wave.shape[1]]))[0] @ weights).sum()

        assert torch.autograd.gradcheck(objective, wave, eps=1e-6, atol=1e-3, fast_mode=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_gpu_gives_the_values_of_the_cpu(dialect: str) -> None:
    features = Features(FeatureConfig(dialect=dialect, top_db=80.0, normalization="sliding"))
    waves, lengths = alone(synthetic())
    expected, _ = features(waves, lengths)
    blocks = features.static_blocks([synthetic()])
    found, _ = features.cuda()(waves.cuda(), lengths)
    torch.testing.assert_close(found.cpu(), expected, atol=2e-3, rtol=1e-3)
    again = features.static_blocks([synthetic()]).cpu()
    torch.testing.assert_close(again, blocks, atol=2e-3, rtol=1e-4)


def test_deltas_are_torchaudios() -> None:
    frames = torch.randn(2, 30, 5)
    found = Deltas(2)(frames, torch.tensor([30, 17]))
    first = torchaudio.functional.compute_deltas(frames[1:, :17].mT)
    second = torchaudio.functional.compute_deltas(first)
    torch.testing.assert_close(found[1:, :17, 5:10], first.mT)
    torch.testing.assert_close(found[1:, :17, 10:], second.mT)
    assert not found[1, 17:].any()


def test_static_frames_may_come_from_elsewhere() -> None:
    features = Features(replace(SPHINX, normalization="utterance"))
    waves, lengths = alone(synthetic())
    expected, _ = features(waves, lengths)
    found, _ = features(*features.static(waves, lengths))
    assert torch.equal(found, expected)
    assert found.shape[2] == features.dim == 39
    assert features.hop_seconds == 0.01
    with pytest.raises(ConfigError, match=r"found frames of 12 values, expected 13.*n_mfcc"):
        features(torch.zeros(1, 4, 12), torch.tensor([4]))


def test_utterance_normalization() -> None:
    frames, lengths = torch.randn(2, 50, 4) * 3 + 5, torch.tensor([50, 20])
    frames[:, :, 3] = 7.0  # constant, as a band that is always empty
    found = Normalizer("utterance", 4)(frames, lengths)
    valid = found[1, :20]
    torch.testing.assert_close(valid.mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(valid.std(0, correction=0), torch.tensor([1.0, 1, 1, 0]))


def test_global_normalization_is_fitted_and_saved() -> None:
    config = FeatureConfig(normalization="global", deltas=1)
    features = Features(config)
    waves, lengths = torch.randn(3, 8000), torch.tensor([8000, 3000, 5000])
    with pytest.raises(ModelError, match="never measured"):
        features(waves, lengths)
    features.fit([(waves[:2], lengths[:2]), (waves[2:], lengths[2:])])
    found, counts = features(waves, lengths)
    valid = torch.cat([row[:count] for row, count in zip(found, counts)])
    torch.testing.assert_close(valid.mean(0), torch.zeros(26), atol=1e-4, rtol=0)
    torch.testing.assert_close(valid.std(0, correction=0), torch.ones(26), atol=1e-3, rtol=0)
    again = Features(config)
    again.load_state_dict(features.state_dict())
    assert torch.equal(again(waves, lengths)[0], found)
    with pytest.raises(ConfigError, match="expected global"):
        Features(FeatureConfig()).fit([(waves, lengths)])


def test_sliding_normalization_is_causal_and_streams() -> None:
    window = 30
    normalizer = Normalizer("sliding", 3, window)
    frames = torch.randn(1, 200, 3) * 2 + 100
    found = normalizer(frames, torch.tensor([200]))
    past = frames[0, 71:101]
    expected = (past[-1] - past.mean(0)) / past.std(0, correction=0)
    torch.testing.assert_close(found[0, 100], expected, atol=1e-4, rtol=1e-4)
    piece = frames[:, 100 - window + 1 : 150]
    streamed = normalizer(piece, torch.tensor([piece.shape[1]]))[:, window - 1 :]
    torch.testing.assert_close(streamed, found[:, 100:150], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_mfcc": 41}, "n_mfcc: found 41, expected at most n_mels, 40"),
        ({"f_max": 9000.0}, "f_max: found 9000.0, expected at most half the sample rate, 8000 Hz"),
        ({"f_min": 5000.0, "f_max": 4000.0}, "f_min: found 5000.0, expected from 0 to below"),
        ({"hop_ms": 30.0}, "hop_ms: found 30.0, expected at most window_ms, 25.0"),
        ({"hop_ms": 0.01}, "hop_ms: found 0.01, expected one sample at least"),
        ({"n_fft": 256}, "n_fft: found 256, expected at least the window, 400 samples"),
        ({"window_ms": math.inf}, "window_ms: found inf, expected a number above 0"),
        ({"kind": "log_mel", "flatness_ms": math.inf}, "flatness_ms: found inf, expected at least"),
        ({"sample_rate": 0}, "sample_rate: found 0, expected a number above 0"),
        ({"top_db": -3.0}, "top_db: found -3.0, expected a number above 0, in dB"),
        ({"flatness_ms": 100.0}, "flatness_ms: found '100 with kind mfcc"),
        ({"kind": "log_mel", "flatness_ms": 20.0}, "flatness_ms: found 20.0, expected at least"),
        ({"deltas": 3}, "deltas: found 3, expected one of 0, 1, 2"),
        ({"dialect": "htk"}, "dialect: found 'htk', expected one of torchaudio, librosa"),
    ],
)
def test_impossible_configs(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_dict(FeatureConfig, values)
    assert message in str(error.value)


def test_sphinx_filters_narrower_than_the_fft_resolves() -> None:
    with pytest.raises(ConfigError, match=r"n_mels: found 120.*lower n_mels or raise n_fft"):
        Features(FeatureConfig(dialect="sphinx", n_mels=120))


def test_bands_too_narrow_to_have_a_flatness() -> None:
    with pytest.raises(ConfigError, match=r"flatness_ms: found 40, too short .* 128 bands"):
        Features(replace(FLAT, flatness_ms=40.0, n_mels=128))


def test_config_survives_saving() -> None:
    config = replace(SPHINX, deltas=1, top_db=70.0)
    assert from_dict(FeatureConfig, to_dict(config)) == config
