"""CTC prefix beam search with language model, lexicon and hotwords, whole or piece by piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_rnn.decoding.beam.confidence import posteriors, with_posteriors
from audio_rnn.decoding.beam.config import BeamConfig
from audio_rnn.decoding.beam.endings import Start
from audio_rnn.decoding.beam.fusion import checked_rescorer, make_fusion, make_neural, writing
from audio_rnn.decoding.beam.knowledge import Knowledge, Weights
from audio_rnn.decoding.beam.nbest import Text, rescored, texts_of
from audio_rnn.decoding.beam.neural import Rows
from audio_rnn.decoding.beam.rescoring import CONTEXT, judge
from audio_rnn.decoding.beam.search import LONG, PAUSED, RAN
from audio_rnn.decoding.beam.spelling import CONTINUES
from audio_rnn.decoding.beam.state import SearchState
from audio_rnn.decoding.beam.tables import Fusion
from audio_rnn.decoding.beam.trie import NONE
from audio_rnn.decoding.beam.viterbi import align
from audio_rnn.decoding.beam.writing import make_writer
from audio_rnn.decoding.decoder import LONGEST, PAUSE, check_log_probs
from audio_rnn.decoding.hypothesis import Hypothesis
from audio_rnn.decoding.words import Emission, words_of
from audio_rnn.vocabulary import Vocabulary


@dataclass(frozen=True)
class Scored:
    """One of the best hypotheses with its score: log-probability of the sound plus knowledge."""

    hypothesis: Hypothesis
    score: float
    posterior: float  # share of this text among all that the beam held


class BeamDecoder:
    """Settings and tables that many recordings are decoded with."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        step_seconds: float,
        knowledge: Knowledge = Knowledge(),  # noqa: B008  frozen
        weights: Weights = Weights(),  # noqa: B008
        config: BeamConfig = BeamConfig(),  # noqa: B008
    ) -> None:
        """Raises: DecodingError, LanguageModelError."""
        self.model, vocabulary = vocabulary, writing(vocabulary, knowledge.lexicon)
        self.vocabulary, self.step_seconds, self.config = vocabulary, step_seconds, config
        self.fusion: Fusion = make_fusion(vocabulary, knowledge, weights)
        self.neural = make_neural(vocabulary, knowledge, weights)
        self.rescorer = checked_rescorer(vocabulary, knowledge)
        self.rescorer_weight = weights.rescorer_weight
        variants = int(np.bincount(self.fusion.sounds[:-1]).max())  # all are tried together
        self.pruning = config.pruning._replace(symbols=config.step_symbols * variants)
        self.pause, self.longest = (max(1, round(s / step_seconds)) for s in (PAUSE, LONGEST))
        at_word = int(self.fusion.hotwords.follow[0, len(vocabulary)])
        self.origin = Start(knowledge.lm.start if knowledge.lm else 0, at_word)
        self.end = knowledge.lm.end if knowledge.lm else 0
        self.write = make_writer(vocabulary)

    def start(self) -> BeamDecoding:
        """Begin a recording."""
        return BeamDecoding(self, self.pause, self.longest)

    def best(self, log_probs: NDArray[np.float32], count: int) -> list[Scored]:
        """The best texts of log_probs (steps, symbols), best first; pauses cut nothing."""
        decoding = BeamDecoding(self, len(log_probs) + 1, len(log_probs) + 1)
        decoding.feed(log_probs)
        return decoding.best(count)

    def rivals(self, log_probs: NDArray[np.float32], count: int) -> list[tuple[list[str], float]]:
        """Words of the best texts and the share of each, as `best` gives them, without times."""
        decoding = BeamDecoding(self, len(log_probs) + 1, len(log_probs) + 1)
        decoding.feed(log_probs)
        return decoding.rivals(count)

    def heard(self, log_probs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Those of the model (steps, symbols) as those of what is written, (steps, symbols)."""
        if self.vocabulary is self.model:
            return log_probs
        return np.ascontiguousarray(log_probs[:, self.fusion.sounds[:-1]])


class BeamDecoding:
    """One recording being decoded; holds the open segment only."""

    def __init__(self, decoder: BeamDecoder, pause: int, longest: int) -> None:
        self.decoder, self.pause, self.longest = decoder, pause, longest
        rows = Rows(decoder.neural) if decoder.neural else None
        width, symbols = decoder.config.beam_width, len(decoder.vocabulary)
        self.state = SearchState(decoder.origin, width, symbols, decoder.pruning, rows)
        self.carried: list[int] = []  # symbols of a word that a cut has left open
        self.held = [np.zeros((0, len(decoder.model)), np.float32)]  # open segment's steps
        self.begin = 0  # step at which it begins
        self.said: list[str] = []  # words before it

    def feed(self, log_probs: NDArray[np.float32]) -> list[Hypothesis]:
        """The next steps (steps, symbols), blank first -> segments that are final now."""
        check_log_probs(log_probs, len(self.decoder.model))
        log_probs = np.array(log_probs, np.float32, order="C")
        heard, fusion = self.decoder.heard(log_probs), self.decoder.fusion
        segments, done, why = [], 0, PAUSED
        while why != RAN:
            began = done
            done, why = self.state.run(heard, done, fusion, self.pause, self.longest)
            self.held.append(log_probs[began:done])
            if why in (PAUSED, LONG):
                segments.append(self._cut_between_words() if why == LONG else self._cut())
                self.said = [*self.said, *(word.text for word in segments[-1].words)][-CONTEXT:]
        return [segment for segment in segments if segment.words]

    def partial(self) -> Hypothesis:
        """The open segment as it stands."""
        return self._hypothesis(self.carried + self.state.leader()[1])

    def finish(self) -> list[Hypothesis]:
        """The open segment, if anything was said in it; nothing can be fed after it."""
        best = self.best(1)[0].hypothesis
        return [best] if best.words else []

    def best(self, count: int) -> list[Scored]:
        """The best texts of the open segment, were the recording over; best first."""
        return self._scored(self._texts(self.decoder.end, count), count)

    def rivals(self, count: int) -> list[tuple[list[str], float]]:
        """Words and shares of the same."""
        texts = self._texts(self.decoder.end, count)
        shares = posteriors([text.score for text in texts])
        return [(list(text.words), share) for text, share in zip(texts[:count], shares)]

    def _scored(self, texts: list[Text], count: int) -> list[Scored]:
        """The best `count` of all texts that can make a difference."""
        shares = posteriors([text.score for text in texts])
        rivals = [(text.words, share) for text, share in zip(texts, shares)]
        return [
            Scored(with_posteriors(self._hypothesis(text.symbols), rivals), text.score, share)
            for text, share in zip(texts[:count], shares)
        ]

    def _texts(self, end: int, count: int = 1) -> list[Text]:
        """The texts in the beam, best first, `count` and all that can make a difference. With `end`,
        an id of the language model, they are over; with NONE only their last words."""
        rescorer, carried = self.decoder.rescorer, self.carried
        scores = self.state.ended(self.decoder.fusion, end)
        least = count if rescorer is None else self.state.alive
        fusion, vocabulary = self.decoder.fusion, self.decoder.vocabulary
        texts = texts_of(self.state, scores, carried, fusion, vocabulary, least)
        if not texts:  # a lexicon, and no prefix at the end of a word
            leader, symbols = self.state.leader()
            symbols = self._complete(carried + symbols)
            return [Text.of(symbols, 0.0, leader, vocabulary)]
        if rescorer is None:
            return texts
        told = judge(rescorer, self.said, [text.words for text in texts], end != NONE)
        return rescored(texts, (self.decoder.rescorer_weight * told).tolist())

    def _cut(self) -> Hypothesis:
        """End the segment here, and the open word."""
        texts = self._texts(NONE)
        segment = self._scored(texts, 1)[0].hypothesis
        start = self.state.after_pause(texts[0].place, self.decoder.fusion)
        self._restart(start, [], sum(map(len, self.held)))
        return segment

    def _cut_between_words(self) -> Hypothesis:
        """End the segment with the last complete word; the open one goes on."""
        leader, symbols = self.state.leader()
        symbols = self.carried + symbols
        complete = len(self._complete(symbols))
        if not complete:
            return self._cut()
        path = self._aligned(symbols)
        segment = self._presented(path[:complete])
        steps = path[complete - 1].end - self.begin
        self._restart(self.state.in_word(leader), symbols[complete:], steps)
        return segment

    def _complete(self, symbols: list[int]) -> list[int]:
        """Symbols without those of the open word, and without what opens it."""
        opening = [i for i, s in enumerate(symbols) if self.decoder.fusion.kind[s] != CONTINUES]
        return symbols[: opening[-1]] if opening else []

    def _restart(self, start: Start, carried: list[int], steps: int) -> None:
        """Begin the next segment `steps` after this one began."""
        held = np.concatenate(self.held)[steps:]
        self.held, self.carried, self.begin = [held], carried, self.begin + steps
        self.state.restart(start, len(held), spoken=bool(carried))

    def _hypothesis(self, symbols: list[int]) -> Hypothesis:
        return self._presented(self._aligned(symbols))

    def _aligned(self, symbols: list[int]) -> list[Emission]:
        """The likeliest steps of symbols in the open segment, counted from the start of all."""
        held = np.concatenate(self.held)
        if self.decoder.vocabulary is self.decoder.model:
            return align(held, symbols, self.begin)
        path = align(held, self.decoder.fusion.sounds[symbols].tolist(), self.begin)
        return [emission._replace(symbol=s) for emission, s in zip(path, symbols)]

    def _presented(self, path: list[Emission]) -> Hypothesis:
        return Hypothesis.of(words_of(path, self.decoder.vocabulary, self.decoder.step_seconds))
