"""Polyphonic sound detection scores, which need no thresholds; by sed_scores_eval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio_rnn.classes import Classes
from audio_rnn.data.manifest import Utterance
from audio_rnn.errors import InputError
from audio_rnn.events import labels_of, merged
from recipes.audio_tagging.hearing import Heard

# Bilen et al. 2020, "A framework for the robust evaluation of sound event detection", with the
# parameters of DCASE 2022 task 4: the first asks for exact times, the second for no confusions.
SCENARIOS = {
    "PSDS1": {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_ct": 0.0, "alpha_st": 1.0},
    "PSDS2": {
        "dtc_threshold": 0.1,
        "gtc_threshold": 0.1,
        "cttc_threshold": 0.3,
        "alpha_ct": 0.5,
        "alpha_st": 1.0,
    },
}


def psds(
    clips: Sequence[Utterance], heard: Sequence[Heard], classes: Classes, step_seconds: float
) -> dict[str, float]:
    """Both scores, of clips whose events are known and of the classes that are heard in them.

    Raises: InputError without the package, or when nothing is heard.
    """
    try:
        from sed_scores_eval import intersection_based
        from sed_scores_eval.base_modules.scores import create_score_dataframe
    except ImportError as error:
        raise InputError(
            f"PSDS needs sed_scores_eval: {error}; pip install 'audio-rnn[detection]'"
        ) from error
    names = sorted(labels_of(event for clip in clips for event in clip.events or ()))
    if not names:
        raise InputError("PSDS: found no event in any clip, expected some; leave it out: --no-psds")
    columns = [classes.index(name) for name in names]
    scores = {
        u.id: create_score_dataframe(
            h.steps[:, columns], np.arange(len(h.steps) + 1) * step_seconds, names
        )
        for u, h in zip(clips, heard)
    }
    truth = {
        u.id: [(e.onset, min(e.offset, u.duration), e.label) for e in merged(u.events or ())]
        for u in clips
    }
    durations = {u.id: len(h.steps) * step_seconds for u, h in zip(clips, heard)}
    return {
        name: float(
            intersection_based.psds(scores, truth, durations, max_efpr=100.0, **scenario)[0]
        )
        for name, scenario in SCENARIOS.items()
    }
