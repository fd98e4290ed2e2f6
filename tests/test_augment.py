"""Augmentation: reproducible, within its limits, blind to padding, off in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from audio_rnn.audio import write_audio
from audio_rnn.augment import (
    AugmentConfig,
    FrameAugment,
    FrameAugmentConfig,
    FrameMask,
    FrameMaskConfig,
    WaveformAugment,
    WaveformAugmentConfig,
)
from audio_rnn.augment.frames import stretch
from audio_rnn.augment.mel_axis import MelAxis
from audio_rnn.config import from_dict, to_dict
from audio_rnn.errors import ConfigError
from audio_rnn.features import FeatureConfig, Features

SHARED = Path(__file__).parents[1] / ".." / "shared" / "data"
RATE = 16000
DIALECTS = ("torchaudio", "librosa", "kaldi", "sphinx")
SPHINX = FeatureConfig(dialect="sphinx", window_ms=25.625, f_min=130.0, f_max=6800.0)
LENGTHS = torch.tensor([32000, 20000, 25000])


def waves() -> Tensor:
    """Three tones of other loudness, zeros behind the shorter ones: (3, 32000)."""
    times = torch.arange(32000) / RATE
    tones = torch.stack([torch.sin(2 * torch.pi * f * times) for f in (440.0, 1000.0, 3000.0)])
    tones *= torch.tensor([0.5, 0.05, 0.2])[:, None]
    return tones * (torch.arange(32000) < LENGTHS[:, None])


def cepstra(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Frames of noisy tones, as Sphinx would make them: (3, frames, 13)."""
    noise = 0.01 * torch.randn(3, 32000, generator=torch.Generator().manual_seed(seed))
    return Features(SPHINX).static(waves() + noise, LENGTHS)


def an4() -> tuple[Tensor, Tensor]:
    """One of the AN4 feature files: (1, frames, 13)."""
    files = sorted((SHARED / "an4_mfcc" / "feat").rglob("*.mfc"))
    if not files:
        pytest.skip("an4_mfcc is not among the shared data")
    frames = np.frombuffer(files[0].read_bytes()[4:], ">f4").astype(np.float32).reshape(1, -1, 13)
    return torch.from_numpy(frames), torch.tensor([frames.shape[1]])


EVERYTHING = AugmentConfig(
    WaveformAugmentConfig(
        speed_probability=0.5, room_probability=0.5, noise_probability=0.5, gain_probability=0.5
    ),
    FrameAugmentConfig(
        warp_probability=0.5, noise_probability=0.5, frequency_masks=2, stretch_probability=0.5
    ),
    FrameMaskConfig(time_masks=3),
)


def on_waves(config: AugmentConfig) -> tuple[torch.nn.Module, Tensor, Tensor]:
    return WaveformAugment(config.waveform, RATE), waves(), LENGTHS


def on_frames(config: AugmentConfig) -> tuple[torch.nn.Module, Tensor, Tensor]:
    return FrameAugment(config.frames, SPHINX), *cepstra()


def on_finished(config: AugmentConfig) -> tuple[torch.nn.Module, Tensor, Tensor]:
    return FrameMask(config.masks, 0.01), *Features(SPHINX).finish(*cepstra())


Stage = Callable[[AugmentConfig], tuple[torch.nn.Module, Tensor, Tensor]]
every_stage = pytest.mark.parametrize("stage", [on_waves, on_frames, on_finished])


@every_stage
def test_a_seed_reproduces_it(stage: Stage) -> None:
    augment, inputs, lengths = stage(EVERYTHING)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(augment(inputs, lengths))
    assert torch.equal(runs[0][0], runs[1][0])
    assert torch.equal(runs[0][1], runs[1][1])
    assert runs[0][0].shape != runs[2][0].shape or not torch.equal(runs[0][0], runs[2][0])


@every_stage
def test_nothing_happens_in_evaluation_or_by_default(stage: Stage) -> None:
    augment, inputs, lengths = stage(EVERYTHING)
    assert augment.eval()(inputs, lengths)[0] is inputs
    augment, inputs, lengths = stage(AugmentConfig())
    assert torch.equal(augment(inputs, lengths)[0], inputs)


@every_stage
def test_padding_stays_empty_and_decides_nothing(stage: Stage) -> None:
    """Rubbish in the padding changes no valid value and none of it remains."""
    augment, inputs, lengths = stage(EVERYTHING)
    rubbish = inputs.clone()
    for row, length in zip(rubbish, lengths):
        row[length:] = 99.0
    for seed in range(5):
        torch.manual_seed(seed)
        clean, counts = augment(inputs, lengths)
        torch.manual_seed(seed)
        dirty, _ = augment(rubbish, lengths)
        assert clean.isfinite().all()
        for a, b, count in zip(clean, dirty, counts):
            assert torch.equal(a[:count], b[:count])
            assert not a[count:].any()


@every_stage
def test_empty_and_tiny_inputs(stage: Stage) -> None:
    augment, inputs, _ = stage(EVERYTHING)
    tail = inputs.shape[2:]
    for size, lengths in ((0, [0, 0]), (1, [1, 0]), (2, [2, 1])):
        out, counts = augment(torch.zeros(2, size, *tail), torch.tensor(lengths))
        assert out.shape[0] == 2
        assert out.isfinite().all()
        assert (counts > 0).tolist() == [length > 0 for length in lengths]


def test_speed_moves_pitch_and_length() -> None:
    config = WaveformAugmentConfig(speed_probability=1.0, speed=(1.25, 1.25))
    out, lengths = WaveformAugment(config, RATE)(waves(), LENGTHS)
    assert lengths.tolist() == [25600, 16000, 20000]
    assert peak_hertz(out[0]) == pytest.approx(550, abs=2)


def test_speed_treats_each_utterance_as_if_alone() -> None:
    config = WaveformAugmentConfig(speed_probability=1.0, speed=(0.9, 0.9))
    augment = WaveformAugment(config, RATE)
    out, lengths = augment(waves(), LENGTHS)
    alone, _ = augment(waves()[1:2, :20000], LENGTHS[1:2])
    torch.testing.assert_close(out[1, : lengths[1]], alone[0])


@pytest.mark.parametrize("color", ["white", "pink"])
def test_noise_has_its_snr_over_the_valid_samples(color: str) -> None:
    config = WaveformAugmentConfig(
        noise_probability=1.0, noise_snr_db=(10.0, 10.0), noise_color=color
    )
    out, _ = WaveformAugment(config, RATE)(waves(), LENGTHS)
    noise = out - waves()
    snr_db = 10 * torch.log10(waves().square().sum(1) / noise.square().sum(1))
    torch.testing.assert_close(snr_db, torch.full((3,), 10.0), atol=0.01, rtol=0)
    power = torch.fft.rfft(noise[0]).abs().square()
    fall_db = 10 * torch.log10(power[500:1000].mean() / power[8000:16000].mean())
    assert fall_db.item() == pytest.approx(0 if color == "white" else 12, abs=1)


def test_noise_and_rooms_from_files(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(4000) / 8000).astype(np.float32) * 0.5
    (tmp_path / "noise").mkdir()
    write_audio(tmp_path / "noise" / "hum.wav", tone, 8000)  # resampled, and repeated
    config = WaveformAugmentConfig(
        noise_probability=1.0, noise_snr_db=(0.0, 0.0), noise_folder=tmp_path / "noise"
    )
    out, _ = WaveformAugment(config, RATE)(waves(), LENGTHS)
    assert peak_hertz((out - waves())[0]) == pytest.approx(500, abs=2)
    (tmp_path / "room").mkdir()
    response = np.zeros(1000, np.float32)
    response[[100, 500]] = 0.8, 0.6
    write_audio(tmp_path / "room" / "hall.wav", response, RATE)
    config = WaveformAugmentConfig(room_probability=1.0, room_folder=tmp_path / "room")
    click = torch.zeros(1, 2000)
    click[0, 10] = 1.0
    out, _ = WaveformAugment(config, RATE)(click, torch.tensor([2000]))
    assert (out[0] > 1e-3).nonzero().flatten().tolist() == [
        10,
        410,
    ]  # the direct sound comes at once
    torch.testing.assert_close(out[0, [10, 410]], torch.tensor([0.8, 0.6]), atol=1e-3, rtol=0)


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="noise_folder: found no audio file in"):
        WaveformAugment(WaveformAugmentConfig(noise_folder=tmp_path), RATE)


def test_recordings_may_lie_in_linked_folders(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "own").mkdir()
    write_audio(tmp_path / "far/hum.flac", np.full(800, 0.1), RATE)
    (tmp_path / "own/linked").symlink_to(tmp_path / "far")
    config = WaveformAugmentConfig(noise_folder=tmp_path / "own")
    assert WaveformAugment(config, RATE).noises == [tmp_path / "own/linked/hum.flac"]


def test_generated_room_decays_by_60_db_in_rt60() -> None:
    config = WaveformAugmentConfig(
        room_probability=1.0, room_rt60_s=(0.5, 0.5), room_direct_db=(6.0, 6.0)
    )
    click = torch.zeros(1, 16000)
    click[0, 0] = 1.0
    out, _ = WaveformAugment(config, RATE)(click, torch.tensor([16000]))
    tail = out[0, 1:8000].square()
    assert 10 * torch.log10(out[0, 0] ** 2 / tail.sum()).item() == pytest.approx(6, abs=0.01)
    fall_db = 10 * torch.log10(tail[:800].mean() / tail[4000:4800].mean())
    assert fall_db.item() == pytest.approx(30, abs=1.5)  # half of RT60


def test_gain_is_within_its_limits() -> None:
    config = WaveformAugmentConfig(gain_probability=1.0, gain_db=(-6.0, 3.0))
    out, _ = WaveformAugment(config, RATE)(waves().repeat(50, 1), LENGTHS.repeat(50))
    gain_db = 20 * torch.log10(out.norm(dim=1) / waves().repeat(50, 1).norm(dim=1))
    assert -6.001 < gain_db.min() < -5
    assert 2 < gain_db.max() < 3.001


def test_probability_is_the_share_of_utterances() -> None:
    config = WaveformAugmentConfig(gain_probability=0.3)
    torch.manual_seed(0)
    out, _ = WaveformAugment(config, RATE)(torch.ones(2000, 1), torch.ones(2000).long())
    assert (out != 1).float().mean().item() == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("flatness_ms", [None, 60.0])
@pytest.mark.parametrize("kind", ["mfcc", "log_mel"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_mel_axis_round_trip_and_identity(
    dialect: str, kind: str, flatness_ms: float | None
) -> None:
    if flatness_ms and (kind == "mfcc" or dialect in ("kaldi", "sphinx")):
        return  # have none
    config = FeatureConfig(kind=kind, dialect=dialect, flatness_ms=flatness_ms)
    frames, _ = Features(config).static(waves() + 0.01, LENGTHS)
    axis = MelAxis(config)
    tolerance = 1e-5 * frames.abs().max().item()
    again = frames @ axis.to_mel @ axis.to_frames
    torch.testing.assert_close(again, frames, atol=tolerance, rtol=0)
    same = axis.warp(frames, torch.ones(3))
    torch.testing.assert_close(same, frames, atol=tolerance, rtol=0)


def test_mel_axis_reads_log_mel_power_from_cepstra() -> None:
    """What the truncated cosines leave: the smooth part of the true log-mel spectrum."""
    noisy = waves() + 0.05 * torch.randn(3, 32000, generator=torch.Generator().manual_seed(0))
    log_mel = FeatureConfig(kind="log_mel", f_min=130.0, f_max=6800.0)
    exact = Features(log_mel).static(noisy, LENGTHS)[0][0] * np.log(10) / 10
    config = FeatureConfig(n_mfcc=40, f_min=130.0, f_max=6800.0)
    frames = Features(config).static(noisy, LENGTHS)[0][0]
    torch.testing.assert_close(frames @ MelAxis(config).to_mel, exact, atol=1e-3, rtol=0)


def test_warp_undone_by_its_inverse() -> None:
    """Nearly: what a warp pushes beyond the kept cosines is lost."""
    frames, _ = an4()
    axis = MelAxis(SPHINX)
    warped = axis.warp(frames, torch.tensor([1.1]))
    back = axis.warp(warped, torch.tensor([1 / 1.1]))
    deviation = frames[0].std(0)
    moved = ((warped - frames)[0] / deviation).square().mean()
    lost = ((back - frames)[0] / deviation).square().mean()
    assert moved > 0.05
    assert lost < 0.2 * moved


@pytest.mark.parametrize("factor", [0.85, 0.95, 1.15])
def test_warp_moves_a_spectral_peak(factor: float) -> None:
    """A bump over 1500 Hz goes to 1500 Hz times the factor."""
    config = FeatureConfig(kind="log_mel", dialect="kaldi", n_mels=80)
    mels = torch.linspace(float(mel(20)), float(mel(8000)), 82)[1:-1]
    bump = torch.exp(-(((mels - mel(1500)) / 120) ** 2)).expand(1, 3, -1)
    warped = MelAxis(config).warp(bump, torch.tensor([factor]))
    assert mels[warped[0, 0].argmax()] == pytest.approx(float(mel(1500 * factor)), abs=20)


def mel(hertz: float) -> Tensor:
    return 1127 * torch.log(torch.tensor(1 + hertz / 700))


def test_warp_of_cepstra_is_that_of_faster_sound() -> None:
    """Sound at 1.1 times the speed has its spectrum at 1.1 times the frequencies."""
    torch.manual_seed(0)
    noise = torch.randn(1, 32000)
    hertz = torch.fft.rfftfreq(32000, 1 / RATE)
    formants = sum(torch.exp(-(((hertz - f) / 150) ** 2)) for f in (600, 1500, 2600)) + 0.03
    slow = torch.fft.irfft(torch.fft.rfft(noise) * formants)
    config = WaveformAugmentConfig(speed_probability=1.0, speed=(1.1, 1.1))
    fast, length = WaveformAugment(config, RATE)(slow, torch.tensor([32000]))
    features = Features(SPHINX)
    slow_mean = features.static(slow, torch.tensor([32000]))[0].mean(1, keepdim=True)
    fast_mean = features.static(fast, length)[0].mean(1, keepdim=True)
    warped = MelAxis(SPHINX).warp(slow_mean, torch.tensor([1.1]))
    before = (slow_mean - fast_mean)[..., 1:].norm()
    assert (warped - fast_mean)[..., 1:].norm() < 0.4 * before


def test_frame_noise_is_stronger_at_a_lower_snr() -> None:
    frames, lengths = an4()
    distances = []
    for snr_db in (60.0, 20.0, 0.0):
        config = FrameAugmentConfig(noise_probability=1.0, noise_snr_db=(snr_db, snr_db))
        torch.manual_seed(0)
        out, _ = FrameAugment(config, SPHINX)(frames, lengths)
        assert (out[..., 0] > frames[..., 0] - 1e-4).all()  # noise only adds power
        distances.append((out - frames).norm().item())
    assert distances[0] < 0.3 * distances[1] < distances[2]


def test_frame_noise_has_its_snr() -> None:
    config = FeatureConfig(kind="log_mel", dialect="kaldi")
    speech = torch.full((1, 100, 40), -200.0)
    speech[:, 50:] = 3.0  # the first half is silence, so there the noise stands alone
    augment = FrameAugment(
        FrameAugmentConfig(noise_probability=1.0, noise_snr_db=(15.0, 15.0)), config
    )
    out, _ = augment(speech, torch.tensor([100]))
    noise = out[:, :50].exp().mean()
    snr_db = 10 * torch.log10(speech.exp().mean() / noise)
    assert snr_db.item() == pytest.approx(15, abs=1)


def test_frequency_mask_holds_a_band_at_its_mean() -> None:
    config = FeatureConfig(kind="log_mel")
    augment = FrameAugment(FrameAugmentConfig(frequency_masks=1, frequency_mask_bands=6), config)
    frames, lengths = torch.randn(40, 50, 40), torch.tensor([50, 30]).repeat(20)
    out, _ = augment(frames, lengths)
    widths = []
    for before, after, length in zip(frames, out, lengths):
        changed = (after[:length] - before[:length]).abs().amax(0) > 1e-4
        widths.append(int(changed.sum()))
        for band in changed.nonzero().flatten():
            expected = before[:length, band].mean().expand(length)
            torch.testing.assert_close(after[:length, band], expected, atol=1e-4, rtol=0)
        places = changed.nonzero().flatten()
        assert not len(places) or places[-1] - places[0] + 1 == len(places)
    assert set(widths) == set(range(7))


def test_what_has_flatness_is_changed_like_sound_that_has_it() -> None:
    """Noise of 15 dB over tones is as flat as noise; the levels change as those without flatness."""
    plain = FeatureConfig(kind="log_mel", f_min=300.0)
    config = replace(plain, flatness_ms=60.0)
    tones = waves()[:1] + 1e-4 * torch.randn(1, 32000)
    frames, lengths = Features(config).static(tones, LENGTHS[:1])
    noisy = FrameAugmentConfig(noise_probability=1.0, noise_snr_db=(-15.0, -15.0))
    out, _ = FrameAugment(noisy, config)(frames, lengths)
    loud = frames[0, 50, :40].argmax()
    assert frames[0, 50, 40 + loud] < -8
    assert out[0, 50, 40:].median() == pytest.approx(-2.5, abs=0.5)
    masks = FrameAugmentConfig(warp_probability=1.0, frequency_masks=1)
    for changes in (noisy, masks):
        torch.manual_seed(0)
        both, _ = FrameAugment(changes, config)(frames, lengths)
        assert (both[..., 40:] <= 1).all()
        if changes is masks:
            torch.manual_seed(0)
            alone, _ = FrameAugment(changes, plain)(frames[..., :40], lengths)
            torch.testing.assert_close(both[..., :40], alone, atol=1e-3, rtol=0)


def test_stretch_interpolates_up_to_its_own_end() -> None:
    ramp = torch.arange(10.0)[None, :, None].repeat(2, 1, 1)
    out, lengths = stretch(ramp, torch.tensor([10, 4]), torch.tensor([20, 8]))
    assert lengths.tolist() == [20, 8]
    expected = (torch.arange(20.0) + 0.5) / 2 - 0.5
    torch.testing.assert_close(out[0, :, 0], expected.clamp(0, 9))
    assert out[1, 5:9, 0].tolist() == [2.25, 2.75, 3.0, 0.0]


def test_stretch_stays_within_its_share() -> None:
    augment = FrameAugment(FrameAugmentConfig(stretch_probability=1.0, stretch=0.12), SPHINX)
    _, lengths = augment(torch.randn(500, 100, 13), torch.full((500,), 100))
    assert lengths.min() in (88, 89)
    assert lengths.max() in (111, 112)


def test_time_masks_respect_seconds_and_share() -> None:
    config = FrameMaskConfig(time_masks=1, time_mask_seconds=0.2, time_mask_share=0.1)
    lengths = torch.tensor([400, 60]).repeat(300)
    out, _ = FrameMask(config, 0.01)(torch.ones(600, 400, 2), lengths)
    masked = torch.stack([(row[:n, 0] == 0).sum() for row, n in zip(out, lengths)])
    assert masked[0::2].max() == 20  # by seconds
    assert masked[1::2].max() == 6  # by share
    assert masked.min() == 0
    edges = [(row[0, 0] == 0, row[n - 1, 0] == 0) for row, n in zip(out, lengths)]
    assert any(first for first, _ in edges)
    assert any(last for _, last in edges)


def test_autocast_costs_no_precision() -> None:
    augment, frames, lengths = on_frames(EVERYTHING)
    torch.manual_seed(3)
    expected, _ = augment(frames, lengths)
    torch.manual_seed(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(augment(frames, lengths)[0], expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@every_stage
def test_a_seed_means_the_same_on_a_gpu(stage: Stage) -> None:
    augment, inputs, lengths = stage(EVERYTHING)
    torch.manual_seed(1)
    expected, counts = augment(inputs, lengths)
    torch.manual_seed(1)
    found, found_counts = augment.cuda()(inputs.cuda(), lengths.cuda())
    assert torch.equal(found_counts.cpu(), counts)
    torch.testing.assert_close(found.cpu(), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"waveform": {"gain_probability": 1.5}}, "gain_probability: found 1.5, expected a prob"),
        ({"waveform": {"speed": [1.1, 0.9]}}, "speed: found (1.1, 0.9), expected the lower limit"),
        ({"waveform": {"speed": [0.0, 0.9]}}, "speed: found (0.0, 0.9), expected factors above 0"),
        ({"frames": {"stretch": 1.0}}, "stretch: found 1.0, expected a share"),
        ({"frames": {"frequency_masks": -1}}, "frequency_masks: found -1, expected 0 or more"),
        ({"masks": {"time_mask_share": 2.0}}, "time_mask_share: found 2.0, expected a share"),
        ({"masks": {"time_maks": 2}}, "did you mean 'time_masks'?"),
    ],
)
def test_impossible_configs(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_dict(AugmentConfig, values)
    assert message in str(error.value)


def test_config_survives_saving() -> None:
    assert from_dict(AugmentConfig, to_dict(EVERYTHING)) == EVERYTHING


def peak_hertz(signal: Tensor) -> float:
    return float(torch.fft.rfft(signal).abs().argmax()) * RATE / len(signal)
