"""A corpus as decoders see it: what a trained model hears in it, and a language model of its texts.

The language model is what `audio-rnn lm train` makes of the training transcripts.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from audio_rnn.data.batching import BatchConfig, Batches
from audio_rnn.data.dataset import SpeechDataset
from audio_rnn.data.manifest import read_manifest
from audio_rnn.decoding.beam.word_list import SPECIAL
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import SPACE, Vocabulary

ORDER = 3  # of the language model
SPLITS = ("valid", "test")
BATCH_SECONDS = 60.0
NOISE = 1.5  # standard deviation of what is added to logits
JOINED = 6  # utterances that make one noisy recording
LEAST_WORDS = 2000  # that something is chosen by
PARTED = 0.9  # probability of the space between two of them


@dataclass(frozen=True, eq=False)
class Spoken:
    """Log-probabilities (steps, symbols), blank first, and the true text."""

    log_probs: NDArray[np.float32]
    text: str


@dataclass(frozen=True, eq=False)
class Corpus:
    """Everything that decoding a corpus needs."""

    name: str
    vocabulary: Vocabulary
    step_seconds: float
    train_texts: list[str]
    lm: NgramModel
    sets: dict[str, list[Spoken]]  # valid, test, and tuning: what is chosen on

    @property
    def words(self) -> list[str]:
        """Those of the language model."""
        return [word for word in self.lm.words if word not in SPECIAL]


def load(model: Path, data: Path) -> Corpus | None:
    """The corpus of a run folder and a folder of manifests; None, with the reason said, if one is
    not there."""
    manifests = {split: data / f"{split}.jsonl" for split in ("train", *SPLITS)}
    missing = [path for path in (model, *manifests.values()) if not path.exists()]
    if missing:
        print(f"skipped: no {missing[0]}; recipes/speech_recognition/README.md tells how to get it")
        return None
    torch.set_num_threads(1)
    logging.getLogger("audio_rnn.decoding.ngram.kneser_ney").setLevel(
        logging.ERROR
    )  # known fallbacks
    network = SpeechModel.load(model)
    texts = [_text(utterance.text) for utterance in read_manifest(manifests["train"])]
    sets = {split: _hear(network, manifests[split]) for split in SPLITS}
    sets["tuning"] = again(sets["valid"], LEAST_WORDS)
    lm = train(texts, ORDER)
    return Corpus(data.name, network.vocabulary, network.step_seconds, texts, lm, sets)


def again(spoken: Sequence[Spoken], words: int) -> list[Spoken]:
    """The recordings as they are, and with noise on their logits as often as it takes to have so
    many words: on a few hundred, chance decides between settings that differ by one error."""
    numbers = np.random.default_rng(0)
    found = list(spoken)
    own = sum(len(one.text.split()) for one in spoken)
    for _ in range(own, words, own):
        found += [Spoken(_noisy(one, numbers), one.text) for one in spoken]
    return found


def noisy(spoken: Sequence[Spoken], space: int, steps: int, seed: int) -> list[Spoken]:
    """Recordings of JOINED utterances in random order with noise on their logits, so many steps in
    all. Between two utterances there is a step that says `space`, as a model does between words."""
    random_, numbers = random.Random(seed), np.random.default_rng(seed)
    parting = _parting(spoken[0].log_probs.shape[1], space)
    recordings: list[Spoken] = []
    while sum(len(recording.log_probs) for recording in recordings) < steps:
        chosen = random_.sample(list(spoken), min(JOINED, len(spoken)))
        pieces = [piece for one in chosen for piece in (_noisy(one, numbers), parting)]
        text = SPACE.join(one.text for one in chosen)
        recordings.append(Spoken(np.concatenate(pieces[:-1]), text))
    return recordings


def _noisy(spoken: Spoken, numbers: np.random.Generator) -> NDArray[np.float32]:
    logits = spoken.log_probs + NOISE * numbers.standard_normal(spoken.log_probs.shape)
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return log_probs.astype(np.float32)


def _parting(symbols: int, space: int) -> NDArray[np.float32]:
    row = np.full((1, symbols), (1 - PARTED) / (symbols - 1), np.float32)
    row[0, space] = PARTED
    return np.log(row)


def _hear(model: SpeechModel, manifest: Path) -> list[Spoken]:
    utterances = read_manifest(manifest)
    rate = model.features.config.sample_rate
    dataset = SpeechDataset(manifest.parent, utterances, [[] for _ in utterances], rate)
    found: dict[str, NDArray[np.float32]] = {}
    with torch.inference_mode():
        for batch in Batches(dataset, BatchConfig(BATCH_SECONDS)).epoch(0):
            log_probs, steps = model(batch.inputs, batch.lengths)
            for name, item, count in zip(batch.ids, log_probs, steps.tolist()):
                found[name] = np.ascontiguousarray(item[:count].numpy())
    return [Spoken(found[u.id], _text(u.text)) for u in utterances]


def _text(text: str | None) -> str:
    return " ".join((text or "").split())
