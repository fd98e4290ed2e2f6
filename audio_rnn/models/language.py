"""A trained sequence model as decoding asks it: numpy arrays and texts in, numpy arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audio_rnn.data.sequences import collate
from audio_rnn.data.texts import UNKNOWN, encode
from audio_rnn.models.recurrent import State
from audio_rnn.models.sequence import TOGETHER, SequenceModel
from audio_rnn.vocabulary import BLANK, SPACE, Vocabulary


class LanguageModel:
    """A model of characters, pieces or words, for every decoder that asks one."""

    def __init__(self, model: SequenceModel, unknown_cost: float = 5.0) -> None:
        """`unknown_cost`: nats that a word which the model does not know costs beside its <unk>."""
        self.model, self.unknown_cost = model.eval(), unknown_cost

    @classmethod
    def load(cls, folder: str | Path, unknown_cost: float = 5.0) -> LanguageModel:
        """The model in a run folder or model folder. Raises ModelError."""
        return cls(SequenceModel.load(folder), unknown_cost)

    @property
    def vocabulary(self) -> Vocabulary:
        """Its symbols; the blank stands for the begin and the end of a text."""
        return self.model.vocabulary

    @property
    def words(self) -> Sequence[str]:
        """All that it knows; none of a model that spells."""
        return self.vocabulary.symbols[1:] if self.vocabulary.unit == "symbol" else ()

    @torch.inference_mode()
    def step(
        self, symbols: NDArray[np.int64], states: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Symbols (batch,) and states (batch, width) after those before, None at first -> natural
        log-probabilities (batch, symbols) of what comes next, and states."""
        state = None if states is None else self._unpacked(torch.from_numpy(states))
        ids = torch.from_numpy(symbols).to(self._device)
        log_probs, state = self.model.step(ids, state)
        packed = torch.cat([part[0] for layer in state for part in layer], dim=1)
        return log_probs.cpu().numpy(), packed.cpu().numpy()

    @torch.inference_mode()
    def score_texts(self, texts: Sequence[str], ended: bool = True) -> NDArray[np.float64]:
        """Natural log-probability (texts,) of each, with its end, or else with the end of its last
        word. Raises: VocabularyError for a text that the model cannot write."""
        ids = [self._encoded(text, ended) for text in texts]
        parts = [self._scores(ids[n : n + TOGETHER], ended) for n in range(0, len(ids), TOGETHER)]
        unknown = self.vocabulary.ids.get(UNKNOWN, BLANK)  # which is in no text
        costs = [self.unknown_cost * row.count(unknown) for row in ids]
        return np.concatenate([np.zeros(0), *parts]) - costs

    def _scores(self, texts: list[list[int]], ended: bool) -> NDArray[np.float64]:
        batch = collate({str(n): ids for n, ids in enumerate(texts)}).to(self._device)
        if not ended:
            batch = replace(batch, lengths=batch.lengths - 1)
        return self.model.score_batch(batch).cpu().numpy()

    def _encoded(self, text: str, ended: bool) -> list[int]:
        ids = encode(self.vocabulary, text)
        space = self.vocabulary.ids.get(SPACE)
        return ids if ended or space is None or not ids else [*ids, space]

    def _unpacked(self, states: Tensor) -> list[State]:
        """(batch, width) -> the state of each layer, each part (1, batch, hidden)."""
        config = self.model.config
        columns = states.to(self._device).split(config.hidden, dim=1)
        parts = [part.unsqueeze(0).contiguous() for part in columns]  # cuDNN takes no others
        size = len(parts) // config.layers
        return [tuple(parts[n : n + size]) for n in range(0, len(parts), size)]

    @property
    def _device(self) -> torch.device:
        return self.model.embedding.weight.device
