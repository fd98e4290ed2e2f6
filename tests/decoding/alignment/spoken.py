"""Log-probabilities of a made-up recording whose every symbol stands where it was put."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audio_rnn.decoding.alignment.utterance import Posteriors
from audio_rnn.vocabulary import BLANK, Vocabulary

STEP = 0.03
LETTERS = Vocabulary.from_texts(["abcdefghijklmnopqrstuvwxyz '"])


def speak(
    texts: Sequence[str], pauses: Sequence[int], seed: int = 0, vocabulary: Vocabulary = LETTERS
) -> tuple[Posteriors, list[list[int]]]:
    """Texts after pauses of so many steps; a pause more at the end.

    Each symbol takes one step and a blank or two after it.

    Returns:
        the recording, and the steps of the symbols of each text.
    """
    random = np.random.default_rng(seed)
    path: list[int] = []
    steps: list[list[int]] = []
    for text, pause in zip(texts, pauses):
        path += [BLANK] * pause
        steps.append([])
        for symbol in vocabulary.encode(text):
            steps[-1].append(len(path))
            path += [symbol] + [BLANK] * int(random.integers(1, 3))
    path += [BLANK] * pauses[-1]
    scores = random.normal(0, 1, (len(path), len(vocabulary)))
    scores[np.arange(len(path)), path] += 14
    log_probs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    return Posteriors(log_probs.astype(np.float32), vocabulary, STEP), steps


def flat(posteriors: Posteriors) -> np.ndarray:
    """Loudness that says nothing: words keep the times of their symbols."""
    return np.zeros(round(posteriors.duration / 0.01), np.float32)


def sentences(count: int, seed: int = 1) -> list[str]:
    """Made-up sentences of 3 to 9 words."""
    random = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return [
        " ".join("".join(random.choice(letters, random.integers(1, 8))) for _ in range(words))
        for words in random.integers(3, 10, count)
    ]
