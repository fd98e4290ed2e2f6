"""Models of sequences: exact in batches, in pieces and step by step; saved whole."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.errors import ConfigError, InputError, ModelError
from audio_rnn.models import sequence
from audio_rnn.models.folder import write_model
from audio_rnn.models.sequence import SequenceConfig, SequenceDropout, SequenceModel
from audio_rnn.vocabulary import Vocabulary

LETTERS = Vocabulary.from_texts(["abcdef"])
SMALL = SequenceConfig(embedding=5, hidden=8, layers=2)
TEXTS = st.lists(st.lists(st.integers(1, 6), max_size=12), min_size=1, max_size=5)
CONFIGS = [
    SMALL,
    replace(SMALL, cell="gru", tied=False),
    replace(SMALL, cell="elman_tanh", embedding=8, variational=False),
]


def make(config: SequenceConfig = SMALL, sharp: float = 3.0) -> SequenceModel:
    """Random weights, `sharp` enough to prefer some symbols."""
    torch.manual_seed(1)
    model = SequenceModel(config, LETTERS).eval()
    with torch.no_grad():
        model.output.weight.mul_(sharp)
    return model


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.cell)
def test_probabilities_of_all_short_texts_sum_to_what_ends_so_early(config: SequenceConfig) -> None:
    """A text of at most two symbols: the rest of the probability is on those that go on."""
    model = make(config)
    texts = [list(text) for n in range(3) for text in product(range(1, 7), repeat=n)]
    ended = float(model.score(texts).exp().sum())
    log_probs, state = model.start(1)
    going_on = 0.0
    for first, second in product(range(1, 7), repeat=2):
        one, after = model.step(torch.tensor([first]), state)
        two, _ = model.step(torch.tensor([second]), after)
        going_on += float((log_probs[0, first] + one[0, second]).exp() * (1 - two[0, 0].exp()))
    assert ended + going_on == pytest.approx(1, abs=1e-5)


@settings(max_examples=40)
@given(texts=TEXTS, which=st.integers(0, 2))
def test_a_text_scores_alone_as_in_a_batch(texts: list[list[int]], which: int) -> None:
    model = make(CONFIGS[which])
    alone = torch.cat([model.score([text]) for text in texts])
    torch.testing.assert_close(model.score(texts), alone, atol=1e-5, rtol=0)


@settings(max_examples=30)
@given(texts=TEXTS, which=st.integers(0, 2))
def test_step_by_step_is_the_score(texts: list[list[int]], which: int) -> None:
    model = make(CONFIGS[which])
    for text in texts:
        log_probs, state = model.start(1)
        total = 0.0
        for symbol in text:
            total += float(log_probs[0, symbol])
            log_probs, state = model.step(torch.tensor([symbol]), state)
        assert total + float(log_probs[0, 0]) == pytest.approx(float(model.score([text])), abs=1e-5)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: c.cell)
def test_states_are_chosen_along_the_batch(config: SequenceConfig) -> None:
    """As a beam search does: row 2 goes on twice, row 0 once, row 1 is dropped."""
    model = make(config)
    _, state = model.start(3)
    _, state = model.step(torch.tensor([1, 2, 3]), state)
    assert all(part.shape == (1, 3, 8) for layer in state for part in layer)
    chosen = [tuple(part[:, [2, 2, 0]] for part in layer) for layer in state]
    log_probs, _ = model.step(torch.tensor([4, 5, 6]), chosen)
    for row, text in enumerate(([3, 4], [3, 5], [1, 6])):
        _, own = model.start(1)
        for symbol in text:
            expected, own = model.step(torch.tensor([symbol]), own)
        torch.testing.assert_close(log_probs[row], expected[0], atol=1e-5, rtol=0)


def test_a_long_text_is_scored_in_pieces_and_many_in_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make()
    texts = [[1 + (n * k) % 6 for k in range(n)] for n in range(20)]
    whole = model.score(texts)
    monkeypatch.setattr(sequence, "PIECE", 4)
    monkeypatch.setattr(sequence, "TOGETHER", 3)
    torch.testing.assert_close(model.score(texts), whole, atol=1e-5, rtol=0)
    assert whole.dtype == torch.float64 and not whole.requires_grad


def test_no_texts_have_no_scores_and_no_text_holds_its_end() -> None:
    assert make().score([]).shape == (0,)
    with pytest.raises(InputError, match="text 1: found symbol 0 inside"):
        make().score([[1], [2, 0]])


def test_padding_gets_no_gradient() -> None:
    model = make().train()
    symbols, targets = torch.tensor([[0, 1, 2, 3]]), torch.tensor([[1, 2, 3, 0]])
    total, _ = model.log_likelihood(symbols, targets, torch.tensor([2]))
    total.sum().backward()
    gradient = model.embedding.weight.grad
    assert gradient is not None and model.config.tied
    untied = make(replace(SMALL, tied=False, dropout=0)).train()
    total, _ = untied.log_likelihood(symbols, targets, torch.tensor([2]))
    total.sum().backward()
    rows = untied.embedding.weight.grad
    assert rows is not None and rows[:2].abs().sum(1).all() and not rows[2:].any()


def test_tied_weights_are_one_tensor_that_both_ends_train() -> None:
    model = make()
    assert model.output.weight is model.embedding.weight
    names = [name for name, _ in model.named_parameters()]
    assert "output.weight" not in names and "bridge.weight" in names
    untied = make(replace(SMALL, tied=False))
    assert untied.output.weight.shape == (7, 8) and untied.embedding.weight.shape == (7, 5)


def test_variational_dropout_drops_the_same_values_at_every_step() -> None:
    torch.manual_seed(0)
    dropped = SequenceDropout(0.5)(torch.ones(40, 6, 30))
    assert torch.equal(dropped, dropped[:, :1].expand(-1, 6, -1))
    assert dropped.unique().tolist() == [0, 2] and dropped.mean() == pytest.approx(1, abs=0.1)
    assert len(dropped[:, 0].unique(dim=0)) == 40  # each sequence its own
    x = torch.randn(2, 3, 4)
    assert torch.equal(SequenceDropout(0.5).eval()(x), x)


@pytest.mark.parametrize("variational", [True, False])
def test_dropout_acts_on_embeddings_between_layers_and_before_the_output(variational: bool) -> None:
    model = make(replace(SMALL, dropout=0.3, variational=variational)).train()
    inputs: list[torch.Tensor] = []
    model.dropout.register_forward_pre_hook(lambda _, values: inputs.append(values[0]))
    model(torch.tensor([[0, 1, 2]]), torch.tensor([3]))
    assert [x.shape for x in inputs] == [(1, 3, 5), (1, 3, 8), (1, 3, 8)]
    assert isinstance(model.dropout, SequenceDropout) == variational


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    model = make()
    write_model(tmp_path / "model", model, model.describe())
    loaded = SequenceModel.load(tmp_path)
    assert loaded.vocabulary == LETTERS and loaded.config == SMALL and not loaded.training
    assert loaded.output.weight is loaded.embedding.weight
    texts = [[1, 2, 3], []]
    assert torch.equal(loaded.score(texts), model.score(texts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "speech"}, "found a model of kind 'speech', expected 'sequence'"),
        ({"config": {"hiden": 3}}, "did you mean 'hidden'"),
        ({"config": {"hidden": 9}}, "expected shape"),
        ({"vocabulary": {"unit": "character"}}, "symbols"),
    ],
)
def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    model = make()
    write_model(tmp_path, model, {**model.describe(), **change})
    with pytest.raises(ModelError, match=message) as error:
        SequenceModel.load(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hidden": 0}, "hidden: found 0, expected 1 or more"),
        ({"dropout": 1.0}, "dropout: found 1.0, expected 0 <= dropout < 1"),
    ],
)
def test_impossible_configs_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SequenceConfig(**change)  # type: ignore[arg-type]


def test_the_description_is_json(tmp_path: Path) -> None:
    assert json.loads(json.dumps(make().describe())) == make().describe()
