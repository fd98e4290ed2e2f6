"""One step at a time: the model's numbers, and the same ones alone or among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audio_rnn.data.sequences import collate
from audio_rnn.midi.controls import encode_with_controls
from audio_rnn.midi.hints import HINTS, hints_of
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.models.recurrent import Cell
from audio_rnn.models.sequence import SequenceConfig, SequenceModel
from audio_rnn.models.stepper import Stepper, choose_rows
from audio_rnn.vocabulary import BLANK_SYMBOL, Vocabulary
from tests.midi.pieces import tune

SYMBOLS = Vocabulary((BLANK_SYMBOL, *(f"s{i}" for i in range(29))), "symbol")


def model(cell: Cell, tied: bool = True) -> SequenceModel:
    torch.manual_seed(1)
    config = SequenceConfig(embedding=12, cell=cell, hidden=37, layers=3, tied=tied)
    return SequenceModel(config, SYMBOLS).eval()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("cell", ["gru", "lstm", "elman_tanh", "elman_relu"])
def test_steps_tell_what_the_model_tells(cell: Cell, tied: bool):
    network = model(cell, tied)
    stepper = Stepper(network)
    expected, before = network.start(3)
    logits, state = stepper.start(3)
    for symbols in ([1, 2, 3], [4, 4, 4], [29, 7, 0]):
        found = torch.from_numpy(logits).log_softmax(-1)
        assert torch.allclose(found, expected, atol=1e-5)
        expected, before = network.step(torch.tensor(symbols), before)
        logits, state = stepper.step(np.array(symbols), state)
    assert torch.allclose(torch.from_numpy(logits).log_softmax(-1), expected, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("hidden", [37, 64, 200])
def test_a_sequence_alone_has_the_same_numbers_to_the_bit(cell: Cell, hidden: int):
    torch.manual_seed(2)
    config = SequenceConfig(embedding=16, cell=cell, hidden=hidden, layers=2)
    stepper = Stepper(SequenceModel(config, SYMBOLS).eval())
    texts = np.random.default_rng(0).integers(1, 30, (20, 11))
    logits, state = stepper.start(11)
    alone = [stepper.start(1) for _ in range(11)]
    for symbols in texts:
        logits, state = stepper.step(symbols, state)
        alone = [stepper.step(symbols[i : i + 1], alone[i][1]) for i in range(11)]
        for i in range(11):
            assert np.array_equal(alone[i][0][0], logits[i])
    some, _ = stepper.step(texts[0][3:8], choose_rows(state, np.arange(3, 8)))
    whole, _ = stepper.step(texts[0], state)
    assert np.array_equal(some, whole[3:8])


def test_hints_are_those_that_the_model_was_trained_with():
    torch.manual_seed(3)
    config = SequenceConfig(embedding=12, cell="lstm", hidden=20, layers=2)
    network = SequenceModel(config, event_vocabulary(), HINTS).eval()
    ids = np.array(encode_with_controls(tune(*[60, 62, 64, 65] * 10)))
    batch = collate({"a": ids}, hints_of)
    with torch.no_grad():
        expected = network(batch.inputs, batch.lengths)[0][0]
    stepper = Stepper(network)
    logits, state = stepper.start(2)
    before = []
    for step, symbol in enumerate(ids):
        found = torch.from_numpy(logits).log_softmax(-1)
        assert torch.allclose(found, expected[step].expand(2, -1), atol=1e-5)
        before.append(state)
        logits, state = stepper.step(np.array([symbol, symbol]), state)
    again, _ = stepper.step(ids[20:21].repeat(2), before[20])  # a state may be gone on from twice
    assert torch.allclose(torch.from_numpy(again).log_softmax(-1), expected[21], atol=1e-5)
