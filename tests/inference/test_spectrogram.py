"""What a spectrogram shows: loud is bright, silence dark."""

from __future__ import annotations

import numpy as np
import pytest

from audio_rnn.inference.plot.spectrogram import RATE, Span, draw_spectrogram, new_figure

TONE = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)


@pytest.mark.parametrize(("gain", "brightest"), [(1.0, 1.0), (1e-3, 1.0), (1e-5, 0.8), (0.0, 0.0)])
def test_loud_is_bright_and_silence_dark(gain: float, brightest: float) -> None:
    span = Span(gain * TONE, 0.0, 1.0)
    axes = new_figure(span, 3.0).subplots()
    draw_spectrogram(axes, span)
    [image] = axes.images
    shown = np.clip(image.norm(image.get_array()), 0, 1)
    assert shown.max() == pytest.approx(brightest, abs=0.1)
