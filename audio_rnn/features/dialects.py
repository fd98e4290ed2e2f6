"""Where the dialects of MFCC differ: windows, mel filters, logarithms, cosine transforms.

| dialect    | edges             | window  | mel                | log              | DCT         |
|------------|-------------------|---------|--------------------|------------------|-------------|
| torchaudio | centre, reflected | Hann    | HTK                | dB, floor 1e-10  | orthonormal |
| librosa    | centre, zeros     | Hann    | Slaney, equal area | dB, floor 1e-10  | orthonormal |
| kaldi      | whole windows     | Povey   | HTK, linear in mel | ln, floor 1.2e-7 | lifter 22   |
| sphinx     | zeros at the end  | Hamming | HTK, on FFT points | ln(x + 1e-4)     | "legacy"    |

Kaldi and Sphinx take 16-bit sample values and pre-emphasise by 0.97; Kaldi first removes each
window's mean. Kaldi here keeps C0 (its `--use-energy=false`) and adds no dither.
"""

from __future__ import annotations

import math

import torch
import torchaudio
from torch import Tensor

from audio_rnn.errors import ConfigError
from audio_rnn.features.config import FeatureConfig

PREEMPHASIS = 0.97
INT16_SCALE = 32768.0
DECIBEL = 10 / math.log(10)  # dB in one unit of the natural logarithm
SILENCE = 1e-10  # power, of torchaudio and librosa, below which all is as soft


def analysis_window(config: FeatureConfig) -> Tensor:
    """The window with the dialect's sample scale in it: (fft_length,)."""
    length, room = config.window_length, config.fft_length - config.window_length
    if config.dialect in ("torchaudio", "librosa"):
        window = torch.hann_window(length, dtype=torch.float64)
        left = room // 2
    else:
        window = INT16_SCALE * _symmetric_window(config.dialect, length)
        left = 0
    return torch.nn.functional.pad(window, (left, room - left)).float()


def _symmetric_window(dialect: str, length: int) -> Tensor:
    if dialect == "kaldi":  # "Povey": a Hann window that falls to zero more steeply
        return torch.hann_window(length, periodic=False, dtype=torch.float64) ** 0.85
    return torch.hamming_window(length, periodic=False, dtype=torch.float64)


def mel_filters(config: FeatureConfig, fft_length: int | None = None) -> Tensor:
    """Weights from the power spectrum to mel bands: (fft_length // 2 + 1, n_mels). Of torchaudio and
    librosa also for another length of the transform.

    Raises: ConfigError when sphinx filters are narrower than the FFT's resolution.
    """
    if config.dialect == "sphinx":
        return _sphinx_filters(config)
    if config.dialect == "kaldi":
        return _kaldi_filters(config)
    slaney = config.dialect == "librosa"
    return torchaudio.functional.melscale_fbanks(
        n_freqs=(fft_length or config.fft_length) // 2 + 1,
        f_min=config.f_min,
        f_max=config.highest_frequency,
        n_mels=config.n_mels,
        sample_rate=config.sample_rate,
        norm="slaney" if slaney else None,
        mel_scale="slaney" if slaney else "htk",
    )


def _kaldi_filters(config: FeatureConfig) -> Tensor:
    filters, _ = torchaudio.compliance.kaldi.get_mel_banks(
        config.n_mels,
        config.fft_length,
        float(config.sample_rate),
        config.f_min,
        config.highest_frequency,
        vtln_low=100.0,
        vtln_high=-500.0,
        vtln_warp_factor=1.0,
    )
    return torch.nn.functional.pad(filters, (0, 1)).T.contiguous()  # Kaldi leaves Nyquist out


def _sphinx_filters(config: FeatureConfig) -> Tensor:
    """Triangles of equal area between edges rounded to FFT points (SphinxBase fe_sigproc.c)."""
    low, high = (2595 * math.log10(1 + f / 700) for f in (config.f_min, config.highest_frequency))
    mels = torch.linspace(low, high, config.n_mels + 2, dtype=torch.float64)
    resolution = config.sample_rate / config.fft_length
    edges = torch.floor(700 * (10 ** (mels / 2595) - 1) / resolution + 0.5) * resolution
    if (edges.diff() <= 0).any():
        raise ConfigError(
            f"n_mels: found {config.n_mels}, which makes filters narrower than {resolution:g} Hz, "
            "the step of the FFT; expected fewer; lower n_mels or raise n_fft"
        )
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = resolution * torch.arange(config.fft_length // 2 + 1, dtype=torch.float64)[:, None]
    rising, falling = (hertz - left) / (centre - left), (right - hertz) / (right - centre)
    return (torch.minimum(rising, falling).clamp(min=0) * 2 / (right - left)).float()


def cepstral_basis(config: FeatureConfig) -> Tensor:
    """The cosine transform from log-mel to cepstra, liftering included: (n_mels, n_mfcc)."""
    basis = torchaudio.functional.create_dct(config.n_mfcc, config.n_mels, norm="ortho")
    if config.dialect == "kaldi":
        return basis * (1 + 11 * torch.sin(math.pi * torch.arange(config.n_mfcc) / 22))
    if config.dialect == "sphinx":
        return _legacy_basis(config)
    return basis


def _legacy_basis(config: FeatureConfig) -> Tensor:
    """SphinxTrain's default "legacy" transform: mean of cosine × log-mel, first band halved."""
    bands = torch.arange(config.n_mels, dtype=torch.float64)[:, None]
    orders = torch.arange(config.n_mfcc, dtype=torch.float64)
    basis = torch.cos(math.pi / config.n_mels * (bands + 0.5) * orders) / config.n_mels
    basis[0] /= 2
    return basis.float()


def log_compress(mel: Tensor, config: FeatureConfig) -> Tensor:
    """The dialect's logarithm of mel energies, in place: dB, or natural for kaldi and sphinx."""
    if config.dialect == "sphinx":
        return mel.add_(1e-4).log_()
    if config.dialect == "kaldi":
        return mel.clamp_(min=torch.finfo(torch.float32).eps).log_()
    return mel.clamp_(min=SILENCE).log_().mul_(DECIBEL)


def decibels(config: FeatureConfig) -> float:
    """How many dB one unit of the dialect's logarithm is."""
    return DECIBEL if config.dialect in ("kaldi", "sphinx") else 1.0
