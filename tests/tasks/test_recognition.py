import logging
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from audio_rnn.augment import AugmentConfig, FrameAugmentConfig
from audio_rnn.data.dataset import SpeechBatch
from audio_rnn.data.manifest import Utterance
from audio_rnn.features import FeatureConfig
from audio_rnn.models.acoustic import AcousticConfig
from audio_rnn.models.recurrent import RecurrentConfig
from audio_rnn.models.speech import SpeechConfig, SpeechModel
from audio_rnn.tasks.recognition import (
    Recognition,
    best_texts,
    ctc,
    frame_count,
    needed_steps,
    too_short,
)
from audio_rnn.vocabulary import Vocabulary

VOCABULARY = Vocabulary.from_texts(["abc d"])


def small_model(**front: object) -> SpeechModel:
    torch.manual_seed(0)
    acoustic = AcousticConfig(recurrent=RecurrentConfig(hidden=8, layers=1), **front)  # type: ignore[arg-type]
    return SpeechModel(SpeechConfig(acoustic=acoustic), VOCABULARY)


def batch_of(texts: list[str], samples: list[int]) -> SpeechBatch:
    torch.manual_seed(1)
    targets = [torch.tensor(VOCABULARY.encode(text), dtype=torch.long) for text in texts]
    return SpeechBatch(
        [f"u{i}" for i in range(len(texts))],
        torch.randn(len(texts), max(samples)) * 0.1,
        torch.tensor(samples),
        torch.ones(len(texts)),
        len(texts),
        torch.nn.utils.rnn.pad_sequence(targets, batch_first=True),
        torch.tensor([len(t) for t in targets]),
    )


def brute_force(log_probs: torch.Tensor, target: list[int]) -> float:
    """-log of the summed probability of all paths that collapse to the target."""
    steps, symbols = log_probs.shape
    paths = torch.cartesian_prod(*[torch.arange(symbols)] * steps)
    total = -torch.inf
    for path in paths.tolist():
        joined = [s for i, s in enumerate(path) if s and (i == 0 or path[i - 1] != s)]
        if joined == target:
            score = sum(float(log_probs[t, s]) for t, s in enumerate(path))
            total = float(np.logaddexp(total, score))
    return -total


@pytest.mark.parametrize("target", [[1], [1, 2], [1, 1], [2, 1, 2]])
def test_the_loss_sums_over_all_alignments(target: list[int]) -> None:
    torch.manual_seed(3)
    log_probs = torch.randn(1, 4, 3, dtype=torch.float64).log_softmax(-1)
    loss = ctc(log_probs, torch.tensor([4]), torch.tensor([target]), torch.tensor([len(target)]))
    assert float(loss) == pytest.approx(brute_force(log_probs[0], target) / len(target), abs=1e-9)


def test_repeats_need_a_blank_between_them() -> None:
    targets = torch.tensor([[1, 1, 1, 2], [1, 2, 1, 1], [1, 1, 0, 0]])
    assert needed_steps(targets, torch.tensor([4, 3, 2])).tolist() == [6, 3, 3]


def test_an_utterance_that_cannot_be_aligned_gives_no_loss_and_no_gradient() -> None:
    log_probs = torch.randn(2, 4, 3).log_softmax(-1).requires_grad_()
    loss = ctc(
        log_probs, torch.tensor([4, 2]), torch.tensor([[1, 2], [1, 1]]), torch.tensor([2, 2])
    )
    loss.sum().backward()
    assert loss[1] == 0 and loss[0] > 0
    assert log_probs.grad is not None
    assert (
        log_probs.grad.isfinite().all() and not log_probs.grad[1].any() and log_probs.grad[0].any()
    )


def test_utterances_shorter_than_their_text_are_found() -> None:
    model = small_model(stride=4)
    fine = Utterance("fine", 0.5, "a.wav", text="abc")
    hasty = replace(fine, id="hasty", duration=0.05)
    targets = [VOCABULARY.encode("abc")] * 2
    assert too_short(model, [fine, hasty], targets) == ["hasty"]


@pytest.mark.parametrize("dialect", ["torchaudio", "librosa", "kaldi", "sphinx"])
@pytest.mark.parametrize("samples", [4639, 4640, 4641, 4800, 5041])
def test_the_frames_of_a_file_are_counted_as_they_will_be(
    dialect: Literal["torchaudio", "librosa", "kaldi", "sphinx"], samples: int
) -> None:
    model = SpeechModel(SpeechConfig(FeatureConfig(dialect=dialect)), VOCABULARY)
    _, lengths = model.features(torch.zeros(1, samples), torch.tensor([samples]))
    sound = Utterance("sound", round(samples / 16000, 4), "a.wav")
    assert frame_count(model.features, sound) == int(lengths)


def test_the_frames_of_a_feature_file_are_its_own() -> None:
    utterances = [Utterance("u", n / 100, features="a.npy") for n in range(1, 200)]
    assert [frame_count(small_model().features, u) for u in utterances] == [*range(1, 200)]


def test_augmentation_goes_to_the_device_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine moves the model only; "meta" stands for a GPU here, whose autocast it lacks."""
    task = Recognition(small_model().to("meta"), AugmentConfig())
    monkeypatch.setattr(task.frames, "forward", lambda frames, lengths: (frames, lengths))
    monkeypatch.setattr("audio_rnn.tasks.recognition.ctc", lambda log_probs, *_: log_probs)
    batch = replace(batch_of(["abc"], [50]), inputs=torch.randn(1, 50, 13))
    task.losses(batch.to(torch.device("meta")))
    assert {buffer.device.type for buffer in task.frames.buffers()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_augmentation_runs_on_a_gpu() -> None:
    frames = FrameAugmentConfig(1.0, noise_probability=1.0, frequency_masks=1, stretch=0.1)
    task = Recognition(small_model().cuda(), AugmentConfig(frames=frames))
    assert task.losses(batch_of(["abc"], [8000]).to(torch.device("cuda")))["ctc"].isfinite().all()


def test_losses_of_a_batch_are_those_of_its_utterances_alone() -> None:
    task = Recognition(small_model(), AugmentConfig())
    batch = batch_of(["abc", "d", "ab c"], [8000, 5000, 6100])
    task.model.eval()  # no dropout
    together = task.losses(batch)["ctc"]
    for i in range(3):
        n, u = int(batch.lengths[i]), int(batch.target_lengths[i])
        alone = SpeechBatch(
            batch.ids[i : i + 1], batch.inputs[i : i + 1, :n], batch.lengths[i : i + 1],
            torch.ones(1), 1, batch.targets[i : i + 1, :u], batch.target_lengths[i : i + 1],
        )  # fmt: skip
        assert float(task.losses(alone)["ctc"].detach()) == pytest.approx(
            float(together[i].detach()), abs=1e-4
        )


def test_a_model_stuck_on_blanks_is_said(caplog: pytest.LogCaptureFixture) -> None:
    model = small_model()
    torch.nn.init.zeros_(model.acoustic.output.weight)
    torch.nn.init.zeros_(model.acoustic.output.bias)
    model.acoustic.output.bias.data[0] = 5.0
    task = Recognition(model.eval(), AugmentConfig())
    with caplog.at_level(logging.WARNING):
        scores = [task.evaluate([batch_of(["abc"], [8000])]) for _ in range(3)]
    assert scores[0]["wer"] == scores[0]["cer"] == 1.0
    assert caplog.text.count("nothing but blanks") == 1 and task.silent
    batch = batch_of(["abc"], [8000])
    assert [h.text for h in best_texts(model, *model(batch.inputs, batch.lengths))] == [""]


def test_one_utterance_can_be_learned_by_heart() -> None:
    task = Recognition(small_model(), AugmentConfig())
    batch = batch_of(["abc d"], [8000])
    optimizer = torch.optim.Adam(task.model.parameters(), 1e-2)
    for _ in range(80):
        optimizer.zero_grad()
        task.losses(batch)["ctc"].sum().backward()
        optimizer.step()
    task.model.eval()
    [best] = best_texts(task.model, *task.model(batch.inputs, batch.lengths))[:1]
    assert best.text == "abc d"
