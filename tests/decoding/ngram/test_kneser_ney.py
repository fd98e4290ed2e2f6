"""Training against the formulae written out, and against models that lmplz made."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.ngram.kneser_ney import FALLBACK, discounts, train
from audio_rnn.decoding.ngram.model import NgramModel, advance
from audio_rnn.errors import LanguageModelError

GOLDEN = Path(__file__).parent / "golden"
AN4 = Path(__file__).parents[3] / "../shared/data/an4_mfcc/etc"
TEXTS = st.lists(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=7), min_size=1, max_size=12
)
Ngram = tuple[str, ...]


class Formulae:
    """Chen and Goodman's modified Kneser-Ney smoothing as it is written, one n-gram at a time."""

    def __init__(self, texts: list[list[str]], order: int) -> None:
        self.order = order
        self.words = {"</s>", "<unk>"}.union(*texts)
        self.occurs: Counter[Ngram] = Counter()
        for text in texts:
            tokens = ("<s>", *text, "</s>")
            for n in range(1, order + 1):
                self.occurs.update(tokens[i : i + n] for i in range(len(tokens) - n + 1))
        del self.occurs[("<s>",)]
        self.counts = {ngram: self.count(ngram) for ngram in self.occurs}

    def count(self, ngram: Ngram) -> int:
        """Occurrences, or how many words have been seen before it."""
        if len(ngram) == self.order or ngram[0] == "<s>":
            return self.occurs[ngram]
        return sum(longer[1:] == ngram for longer in self.occurs)

    def discount(self, ngram: Ngram) -> float:
        n = [sum(len(g) == len(ngram) and c == k for g, c in self.counts.items()) for k in range(5)]
        d = list(FALLBACK)
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            exact = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
            d = exact if min(exact) > 0 else d
        return d[min(self.counts[ngram], 3) - 1]

    def prob(self, context: Ngram, word: str) -> float:
        """Interpolated p(word | context)."""
        shorter = self.prob(context[1:], word) if context else 1 / len(self.words)
        followers = [g for g in self.counts if g[:-1] == context and len(g) == len(context) + 1]
        if not followers:
            return shorter
        total = sum(self.counts[g] for g in followers)
        free = sum(self.discount(g) for g in followers)
        whole = (*context, word)
        own = self.counts[whole] - self.discount(whole) if whole in self.counts else 0
        return (own + free * shorter) / total


def reached(model: NgramModel) -> list[int]:
    """All states that words lead to."""
    states, fresh = {model.empty, model.start}, [model.empty, model.start]
    while fresh:
        after = {advance(model.tables, s, w)[1] for s in fresh for w in range(len(model.words))}
        fresh = list(after - states)
        states |= after
    return sorted(states)


def assert_sums_to_one(model: NgramModel) -> None:
    words = [word for name, word in model.ids.items() if name != "<s>"]
    for state in reached(model):
        total = sum(np.exp(advance(model.tables, state, word)[0]) for word in words)
        assert total == pytest.approx(1, abs=1e-5)


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 4))
def test_probabilities_are_those_of_the_formulae(texts, order):
    model, formulae = train(map(" ".join, texts), order), Formulae(texts, order)
    for text in [*texts[:3], ["never", "b", "a"], ["a", "c", "e", "e"]]:
        tokens = ["<s>", *("<unk>" if word == "never" else word for word in text), "</s>"]
        tokens = [t if t in formulae.words or t == "<s>" else "<unk>" for t in tokens]
        expected = [
            formulae.prob(tuple(tokens[max(0, i - order + 1) : i]), tokens[i])
            for i in range(1, len(tokens))
        ]
        np.testing.assert_allclose(np.exp(model.score(text)), expected, rtol=1e-5)


@settings(max_examples=40)
@given(TEXTS, st.integers(1, 4), st.sampled_from([(), (0, 0, 1), (0, 1)]), st.booleans())
def test_probabilities_sum_to_one_in_every_context(texts, order, prune, closed):
    vocabulary = ["a", "b", "unseen"] if closed else None
    assert_sums_to_one(train(map(" ".join, texts), order, vocabulary, prune[:order]))


@pytest.mark.parametrize(("name", "prune"), [("lmplz", ()), ("lmplz_pruned", (0, 0, 1))])
def test_the_model_is_the_one_that_lmplz_makes(tmp_path, name, prune):
    """golden/: lmplz of KenLM 0.3.0, `lmplz -o 3 [--prune 0 0 1] < walk.txt`."""
    theirs = NgramModel.load(GOLDEN / f"{name}.arpa.gz")
    ours = train((GOLDEN / "walk.txt").open(), 3, prune=prune)
    assert ours.counts == theirs.counts
    assert set(ours.words) == set(theirs.words)
    texts = (GOLDEN / "walk.txt").read_text().splitlines()
    for text in [*texts, *(" ".join([*reversed(t.split()), "never", "bal"]) for t in texts)]:
        words = text.split()
        np.testing.assert_allclose(ours.score(words), theirs.score(words), atol=1e-5)


def test_discounts_by_hand():
    counts = np.repeat([0, 1, 2, 3, 4, 9], [5, 60, 20, 10, 5, 3])
    y = 60 / (60 + 2 * 20)
    expected = [0, 1 - 2 * y * 20 / 60, 2 - 3 * y * 10 / 20, 3 - 4 * y * 5 / 10]
    np.testing.assert_allclose(discounts(counts), expected)


@pytest.mark.parametrize("counts", [[], [1, 1, 2, 2], [1, 3, 4], [1, 1, 2, *[3] * 9]])
def test_too_few_different_counts_give_no_discounts(counts):
    assert discounts(np.array(counts, np.int64)) is None


def test_default_discounts_are_said(caplog):
    with caplog.at_level(logging.WARNING):
        train(["a b a"], order=2)
    assert "1-grams: found 2, 1, 0 and 0 that count 1, 2, 3 and 4" in caplog.text
    assert "2-grams: found 4, 0, 0 and 0" in caplog.text
    assert "takes 0.5, 1 and 1.5" in caplog.text


def test_computed_discounts_are_not(caplog):
    with caplog.at_level(logging.WARNING):
        train((GOLDEN / "walk.txt").open(), order=3)
    assert not caplog.text


def test_a_vocabulary_decides_what_is_known():
    model = train(["a b", "a rare", "a other b"], 2, vocabulary=["a", "b", "unseen"])
    assert set(model.words) == {"<s>", "</s>", "<unk>", "a", "b", "unseen"}
    unknown, unseen = (model.unigrams[model.ids[word]] for word in ("<unk>", "unseen"))
    assert unknown > unseen  # two words of the text are unknown ones


def test_blank_lines_are_no_sentences():
    assert train(["a b", "", " \n", "b"], 2).score(["a"]) == train(["a b", "b"], 2).score(["a"])


def test_orders_beyond_the_longest_sentence_are_empty(tmp_path):
    model = train(["a", "b"], 5)
    assert model.counts == (5, 4, 2, 0, 0)
    model.save(tmp_path / "model.arpa")
    assert NgramModel.load(tmp_path / "model.arpa").score(["a"]) == model.score(["a"])


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ([], {}, "found no text"),
        (["", "  "], {}, "found no text"),
        (["a", "a </s> b"], {}, "line 2: found </s>, expected words only"),
        (["a <s>"], {}, "line 1: found <s>, expected words only"),
        (["a"], {"order": 0}, "order: found 0, expected 1 or more"),
        (["a"], {"prune": [1]}, "prune: found 1, expected 0 for words"),
        (["a"], {"prune": [0, 2, 1]}, "prune: found 0 2 1, expected .* do not fall"),
        (["a"], {"prune": [0, 0, 0, 1]}, "prune: found 0 0 0 1, expected .* at most 3"),
    ],
)
def test_what_cannot_be_trained_on_is_named(texts, options, message):
    with pytest.raises(LanguageModelError, match=message):
        train(texts, **options)


@pytest.mark.skipif(not AN4.exists(), reason="needs ../shared/data/an4_mfcc")
def test_more_context_foretells_an4_better():
    texts = [line.partition(" (")[0] for line in (AN4 / "an4_train.transcription").open()]
    texts = [text.removeprefix("<s> ").removesuffix("</s>") for text in texts]
    perplexities = []
    for order in (1, 2, 3):
        model = train(texts[:-100], order)
        log_probs = [p for text in texts[-100:] for p in model.score(text.split())]
        perplexities.append(np.exp(-np.mean(log_probs)))
    assert perplexities == sorted(perplexities, reverse=True)
    assert perplexities[2] < perplexities[0] / 2
