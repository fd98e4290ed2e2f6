"""Models of piano rolls: exact in batches and in pieces, normalised, the same in every key; saved."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from audio_rnn.data.library import Library
from audio_rnn.data.rolls import KEYS, RollBatch, collate
from audio_rnn.errors import ConfigError, ModelError
from audio_rnn.models import rolls as rolls_module
from audio_rnn.models.folder import write_model
from audio_rnn.models.key_heads import IndependentKeys, JointKeys, KeyDropout, Voices, key_sung
from audio_rnn.models.key_layers import NARROW
from audio_rnn.models.rolls import MATCHES, RollConfig, RollModel, moments
from tests.data.test_rolls import random_roll

LOW, HIGH = 30, 34  # few keys, so that all their combinations can be gone through
SMALL = RollConfig(window=3, reach=2, hidden=NARROW + 2, layers=2, lowest=LOW, highest=HIGH)
IN_VOICES = ("voices", "library")  # the second one with a library
HEADS = ("independent", "joint", *IN_VOICES)


def make(head: str, **changes: object) -> RollModel:
    """Random weights, large enough to prefer some keys."""
    torch.manual_seed(1)
    library = Library.of(some_rolls(head, 9)) if head == "library" else None
    if head in IN_VOICES:
        voices, head = 3, "voices"
        changes = {"order": (2, 0, 1), "head_layers": 2, **changes}
    else:
        voices = 1
    config = replace(SMALL, **{"heads": (head,), **changes})  # type: ignore[arg-type]
    model = RollModel(config, voices, library).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight) * 0.5)
    return model


def score(model: RollModel, batch: RollBatch) -> Tensor:
    """By the model's one head."""
    (told,) = model.score(batch).values()
    return told


def hear(model: RollModel, rolls: dict[str, np.ndarray]) -> RollBatch:
    """A batch for that model."""
    return collate(rolls, model.library)


def bias_of(model: RollModel) -> Tensor:
    """Of each key, whatever it hears."""
    (head,) = model.heads.values()
    if isinstance(head, Voices):
        return head.bias
    assert isinstance(head, IndependentKeys | JointKeys)
    return head.keys.bias


def some_rolls(head: str, count: int = 4) -> dict[str, np.ndarray]:
    """Of different lengths; in voices, at most one key each."""
    rolls = {}
    for n in range(count):
        if head not in IN_VOICES:
            rolls[f"p{n}"] = random_roll(2 + 3 * n, seed=n)
            continue
        random = np.random.default_rng(n)
        key = random.integers(25, 40, (2 + 3 * n, 3))
        sounding = random.random(key.shape) < 0.8
        rolls[f"p{n}"] = (np.eye(KEYS, dtype=np.uint8)[key] * sounding[..., None]).astype(np.uint8)
    return rolls


def all_frames(head: str) -> Tensor:
    """(combinations, voices, KEYS): each frame that LOW to HIGH and, in voices, a rest allow."""
    count = HIGH - LOW + 1
    if head in IN_VOICES:
        notes = torch.eye(count + 1, dtype=torch.uint8)[:, :count]  # the last one rests
        frames = torch.stack([notes[list(chord)] for chord in product(range(count + 1), repeat=3)])
    else:
        frames = torch.tensor(list(product((0, 1), repeat=count)), dtype=torch.uint8).unsqueeze(1)
    return torch.nn.functional.pad(frames, (LOW, KEYS - 1 - HIGH))


@pytest.mark.parametrize("head", HEADS)
def test_the_probabilities_of_all_frames_sum_to_1(head: str) -> None:
    """After a beginning; the keys outside are as good as forbidden."""
    model = make(head)
    with torch.no_grad():
        bias_of(model)[..., :LOW] = bias_of(model)[..., HIGH + 1 :] = -40
    beginning = torch.from_numpy(some_rolls(head)["p2"])
    last = all_frames(head)
    whole = torch.cat([beginning.expand(len(last), -1, -1, -1), last.unsqueeze(1)], dim=1)
    batch = hear(model, {str(n): roll.numpy() for n, roll in enumerate(whole)})
    told = score(model, batch)[:, -1]
    assert told.std() > 0.1
    assert float(told.exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("head", HEADS)
def test_a_piece_is_told_alone_as_in_a_batch(head: str) -> None:
    model, rolls = make(head), some_rolls(head)
    together = score(model, hear(model, rolls))
    for row, (name, roll) in enumerate(rolls.items()):
        alone = score(model, hear(model, {name: roll}))[0]
        torch.testing.assert_close(together[row, : len(roll)], alone, atol=1e-5, rtol=1e-6)
        assert not together[row, len(roll) :].any()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("size", [1, 3])
def test_pieces_with_a_carried_state_tell_what_the_whole_tells(
    head: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(head)
    batch = hear(model, some_rolls(head))
    whole = score(model, batch)
    monkeypatch.setattr(rolls_module, "PIECE", size)
    torch.testing.assert_close(score(model, batch), whole, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("head", HEADS)
def test_no_frame_knows_of_those_after_it(head: str) -> None:
    model, rolls = make(head), some_rolls(head)
    batch = hear(model, {"a": rolls["p3"]})
    changed = hear(model, {"a": np.concatenate([rolls["p3"][:6], rolls["p2"][:5]])})
    before, after = score(model, batch)[0], score(model, changed)[0]
    torch.testing.assert_close(before[:6], after[:6])
    assert (before[6:] - after[6:]).abs().max() > 1e-3


@pytest.mark.parametrize("head", HEADS)
def test_a_piece_in_another_key_is_told_alike(head: str) -> None:
    """Where no key has a bias of its own and no note is heard at the edge of the keyboard."""
    model = make(head, lowest=0, highest=KEYS - 1)
    with torch.no_grad():
        model.key.zero_()
        bias_of(model).fill_(-3.0)
        (top,) = model.heads.values()
        if isinstance(top, JointKeys):
            top.below.weight[..., :-20] = 0
        if isinstance(top, Voices):
            for table in top.distances:  # moves depend on no key
                assert isinstance(table, nn.Embedding)
                table.weight[1 : KEYS - 20] = table.weight[KEYS + 20 :] = 0
    roll = some_rolls(head)["p2"]
    roll[..., :28] = roll[..., 48:] = 0
    higher = np.roll(roll, 5, axis=2)
    told = score(model, hear(model, {"a": roll, "b": higher}))
    torch.testing.assert_close(told[0], told[1], atol=1e-3, rtol=1e-4)


def test_two_heads_tell_each_what_it_would_tell_alone() -> None:
    both, batch = make("joint", heads=("joint", "independent")), collate(some_rolls("joint"))
    told = both.score(batch)
    assert list(told) == ["joint", "independent"]
    for name in told:
        alone = make(name)
        weights = both.state_dict()
        alone.load_state_dict({key: weights[key] for key in alone.state_dict()})
        assert torch.equal(score(alone, batch), told[name])


@pytest.mark.parametrize("order", [(), (2, 0, 1), (1, 2, 0)])
def test_a_voice_knows_those_told_before_it_and_no_other(order: tuple[int, ...]) -> None:
    model, batch = make("voices", order=order), collate(some_rolls("voices", 1))
    assert model.order == [*(order or (0, 1, 2))]
    x, _ = model.features(batch)
    before, sung = key_sung(batch.before), key_sung(batch.frames)
    told = model.tell_voices(x, before, sung)
    for place, voice in enumerate(model.order):
        other = sung.clone()
        other[..., voice] = (other[..., voice] + 1) % KEYS
        changed = (model.tell_voices(x, before, other) != told).any(3).any(1)[0]
        assert changed.nonzero().flatten().tolist() == sorted(model.order[place + 1 :])


def test_a_tune_of_the_library_is_told_otherwise_than_another() -> None:
    """Of two pieces that begin alike, the one that its library knows by heart changes what is told."""
    model = make("library")
    roll = some_rolls("library", 9)["p8"]
    own, other = (score(model, hear(model, {name: roll}))[0] for name in ("p8", "unnamed"))
    torch.testing.assert_close(own[:2], other[:2])  # nothing agrees before the second step
    assert (own[2:] - other[2:]).abs().max() > 1e-2


def test_a_model_from_before_libraries_tells_the_same(tmp_path: Path) -> None:
    model, batch = make("voices"), collate(some_rolls("voices"))
    description = model.describe()
    del description["library"]
    write_model(tmp_path, model, description)
    assert torch.equal(score(RollModel.load(tmp_path), batch), score(model, batch))


def test_a_library_of_no_voices_is_named() -> None:
    with pytest.raises(ConfigError, match="found 'joint', expected voices, with a library"):
        RollModel(replace(SMALL, heads=("joint",)), 1, Library.of(some_rolls("joint")))


def test_an_order_of_other_voices_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"order: found \(0, 0, 1\), expected each of the 3 voices"
    ):
        make("voices", order=(0, 0, 1))


def test_the_head_of_voices_drops_the_same_values_of_all_frames_and_keys_in_training_only() -> None:
    dropout, x = KeyDropout(0.5), torch.ones(3, 4, 5, 40)
    dropped = dropout(x)
    assert torch.equal(dropped, dropped[:, :1, :1].expand_as(x))
    assert dropped.unique().tolist() == [0, 2]
    assert not torch.equal(dropped[0], dropped[1])
    assert torch.equal(dropout.eval()(x), x)


def test_how_much_is_recalled_comes_in_classes_each_twice_as_wide() -> None:
    batch = collate({"a": random_roll(8)})
    lengths = torch.tensor([[0, 1, 2, 3, 4, 63, 64, 1000]])
    classes = moments(replace(batch, matched=lengths))[0, :, -len(MATCHES) - 1 :]
    assert classes.argmax(dim=1).tolist() == [0, 1, 2, 2, 3, 6, 7, 7]
    assert classes.sum(dim=1).eq(1).all()


def test_what_is_recalled_is_heard_from_where_a_piece_repeats_itself() -> None:
    model, once = make("joint"), random_roll(6, seed=3)
    twice = collate({"a": np.concatenate([once, once])})
    matched, recalled = torch.zeros_like(twice.matched), torch.zeros_like(twice.recalled)
    without = replace(twice, matched=matched, recalled=recalled)
    told, forgotten = score(model, twice)[0], score(model, without)[0]
    torch.testing.assert_close(told[:6], forgotten[:6])
    assert (told[7:] - forgotten[7:]).abs().min() > 1e-3


def test_a_note_outside_the_keys_that_are_modelled_is_told_seldom_not_never() -> None:
    model = make("joint")
    roll = np.zeros((2, 1, KEYS), np.uint8)
    quiet = score(model, collate({"a": roll}))[0, 1]
    roll[1, 0, 80] = 1
    assert -12 < float(score(model, collate({"a": roll}))[0, 1] - quiet) < -8


@pytest.mark.parametrize("head", HEADS)
def test_a_saved_model_tells_the_same(head: str, tmp_path: Path) -> None:
    model, rolls = make(head), some_rolls(head)
    write_model(tmp_path, model, model.describe())
    again = RollModel.load(tmp_path)
    assert torch.equal(score(again, hear(again, rolls)), score(model, hear(model, rolls)))


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, torch.nn.Linear(1, 1), {"kind": "other"})
    with pytest.raises(ModelError, match="'other', expected 'rolls'"):
        RollModel.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": ()}, r"heads: found \(\), expected one or more"),
        ({"hidden": 0}, "hidden: found 0, expected 1 or more"),
        ({"head_layers": 0}, "head_layers: found 0, expected 1 or more"),
        ({"dropout": 1.0}, "dropout: found 1.0"),
        ({"lowest": 50, "highest": 40}, "lowest: found 50"),
        ({"highest": 88}, "lowest"),
    ],
)
def test_a_config_that_cannot_be_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        RollConfig(**changes)  # type: ignore[arg-type]


def test_dropout_acts_in_training_only() -> None:
    model, batch = make("joint", dropout=0.5), collate(some_rolls("joint"))

    def told(batch: RollBatch) -> Tensor:
        return model.log_likelihood(batch)[0]["joint"]

    assert torch.equal(told(batch), told(batch))
    model.train()
    assert not torch.equal(told(batch), told(batch))
