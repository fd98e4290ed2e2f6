"""Queries of n-gram models against the definition, and against KenLM."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn.decoding.ngram.arpa import Arpa
from audio_rnn.decoding.ngram.arpa_lines import Ngrams
from audio_rnn.decoding.ngram.arpa_reader import read_arpa
from audio_rnn.decoding.ngram.kneser_ney import train
from audio_rnn.decoding.ngram.model import NgramModel, advance, no_tables, spell

GOLDEN = Path(__file__).parent / "golden"
WORDS = ("<s>", "</s>", "<unk>", "a", "b", "c")
Row = tuple[int, ...]
Table = dict[Row, tuple[float, float]]  # n-gram -> natural-log probability and back-off


def by_definition(table: Table, history: Row, word: int) -> float:
    """p(word | history) if the n-gram is there, else back-off(history) p(word | shorter)."""
    if (*history, word) in table:
        return table[*history, word][0]
    return table.get(history, (0, 0))[1] + by_definition(table, history[1:], word)


def table_of(arpa: Arpa) -> Table:
    return {
        tuple(row): (log_prob, backoff)
        for ngrams in arpa.orders
        for row, log_prob, backoff in zip(
            ngrams.words.tolist(), ngrams.log_probs.tolist(), ngrams.backoffs.tolist()
        )
    }


@st.composite
def models(draw: st.DrawFn) -> Arpa:
    """N-grams whose beginnings are n-grams, while what they end with may be missing."""
    order = draw(st.integers(1, 4))
    rows: list[list[Row]] = [[(word,) for word in range(len(WORDS))]]
    for _ in range(order - 1):
        possible = [(*row, word) for row in rows[-1] for word in range(len(WORDS))]
        chosen = (
            draw(st.lists(st.sampled_from(possible), unique=True, max_size=12)) if possible else []
        )
        rows.append(chosen)
    numbers = np.random.default_rng(draw(st.integers(0, 99)))
    return Arpa(
        WORDS, tuple(ngrams(level, n, n == order, numbers) for n, level in enumerate(rows, 1))
    )


def ngrams(rows: list[Row], order: int, last: bool, numbers: np.random.Generator) -> Ngrams:
    """Random values; half of the back-offs are 0."""
    backoffs = numbers.normal(size=len(rows)) * numbers.integers(0, 2, len(rows)) * (not last)
    return Ngrams(
        np.array(rows, np.int32).reshape(-1, order),
        -numbers.exponential(size=len(rows)).astype(np.float32),
        backoffs.astype(np.float32),
    )


@settings(max_examples=25)
@given(models())
def test_every_history_scores_as_defined(arpa):
    model, table = NgramModel.from_ngrams(arpa), table_of(arpa)
    for words in product(range(len(WORDS)), repeat=4):
        state, log_probs = model.empty, []
        for word in words:
            log_prob, state = advance(model.tables, state, word)
            log_probs.append(log_prob)
        history = [words[max(0, i - model.order + 1) : i] for i in range(len(words))]
        expected = [by_definition(table, h, w) for h, w in zip(history, words)]
        np.testing.assert_allclose(log_probs, expected, rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(models())
def test_tables_give_back_the_ngrams_they_were_made_of(tmp_path_factory, arpa):
    path = tmp_path_factory.mktemp("model") / "model.arpa"
    NgramModel.from_ngrams(arpa).save(path)
    saved, made = table_of(read_arpa(path)), table_of(arpa)
    assert saved.keys() == made.keys()
    for ngram, values in made.items():
        assert saved[ngram] == pytest.approx(values, abs=1e-5)


@settings(max_examples=60)
@given(models())
def test_no_two_states_are_needed_where_one_does(arpa):
    """Equal futures, equal states: a state is the longest context that an n-gram goes on from, or
    that has a back-off."""
    model, table = NgramModel.from_ngrams(arpa), table_of(arpa)
    longest = {row for row, (_, backoff) in table.items() if backoff and len(row) < model.order}
    longest |= {row[:-1] for row in table if len(row) > 1}
    states: dict[Row, int] = {}
    for words in product(range(len(WORDS)), repeat=3):
        state = model.empty
        for word in words:
            state = advance(model.tables, state, word)[1]
        context = next(words[i:] for i in range(4) if words[i:] in longest or i == 3)
        assert states.setdefault(context, state) == state
    assert len(set(states.values())) == len(states)


def test_a_score_starts_and_ends_a_sentence_or_not():
    model = train(["a b", "a c", "b a"], order=2)
    whole = model.score(["a", "b"])
    assert len(whole) == 3
    assert model.score(["a", "b"], end=False) == whole[:2]
    free = model.score(["a", "b"], start=False, end=False)
    assert free[0] == pytest.approx(model.unigrams[model.ids["a"]])
    assert free[1] == whole[1]


def test_words_that_a_model_lacks_are_the_unknown_word():
    model = train(["a b"], order=2)
    assert model.encode(["a", "never", "<unk>"]).tolist() == [
        model.ids["a"], model.unknown, model.unknown,
    ]  # fmt: skip


def test_tables_of_nothing_have_the_types_of_others():
    tables = train(["a b"], order=2).tables
    for empty, full in zip(no_tables(), tables):
        assert (empty.dtype, empty.ndim) == (full.dtype, full.ndim)


def test_letters_with_a_mark_for_the_space():
    assert spell("AB  C") == "A B ▁ C"


def assert_as_kenlm(path: Path, texts: list[str]) -> None:
    kenlm = pytest.importorskip("kenlm", reason="needs the extra peers")
    peer, model = kenlm.Model(str(path)), NgramModel.load(path)
    for text in texts:
        theirs = [log10 * np.log(10) for log10, *_ in peer.full_scores(text)]
        np.testing.assert_allclose(model.score(text.split()), theirs, atol=1e-5)


@pytest.mark.parametrize("name", ["lmplz", "lmplz_pruned"])
def test_as_kenlm_on_its_own_models(name):
    texts = (GOLDEN / "walk.txt").read_text().splitlines()
    mixed = [" ".join(reversed(text.split())) + " never " + text for text in texts]
    assert_as_kenlm(GOLDEN / f"{name}.arpa.gz", texts + mixed)


@pytest.mark.parametrize("order", [2, 5])
def test_as_kenlm_on_models_trained_here(tmp_path, order):
    texts = (GOLDEN / "walk.txt").read_text().splitlines()
    train(texts[:100], order, prune=[0, 1]).save(tmp_path / "model.arpa")
    assert_as_kenlm(tmp_path / "model.arpa", texts)
