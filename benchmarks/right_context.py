"""What a model with two directions loses on a stream, by the future that it may see.

    python -m benchmarks.right_context --model runs/kathleen --manifest data/kathleen/test.jsonl

Each utterance is a stream of its own. The first line is the model on whole utterances; a model
with one direction has no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from audio_rnn.audio import read_audio
from audio_rnn.config import from_command_line
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.decoding.greedy import GreedyDecoder
from audio_rnn.inference import Transcriber, Transcript
from audio_rnn.inference.ear import StreamConfig
from audio_rnn.inference.stream import SpeechStream
from audio_rnn.metrics.text import word_errors
from audio_rnn.models.speech import SpeechModel


@dataclass(frozen=True)
class Arguments:
    """What to stream, and how."""

    model: Path = Path("runs/default")  # a run folder; two directions, not normalised by utterance
    manifest: Path = Path("data/default/test.jsonl")
    chunk_seconds: tuple[float, ...] = (0.3, 1.0)
    right_seconds: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0)


def main() -> None:
    """Score the whole utterances, then every chunk with every future."""
    arguments = from_command_line(Arguments, "Word errors by the future that a stream may see.")
    torch.set_num_threads(1)
    model = SpeechModel.load(arguments.model)
    folder, utterances = arguments.manifest.parent, read_manifest(arguments.manifest)
    references = [utterance.text or "" for utterance in utterances]
    transcriber = Transcriber(model, device="cpu")
    results = transcriber.transcribe_many(folder / utterance.source for utterance in utterances)
    texts = [result.text if isinstance(result, Transcript) else "" for result in results]
    print(f"whole: {word_errors(references, texts).rate:.2%} of words wrong", flush=True)
    for chunk in arguments.chunk_seconds:
        for right in arguments.right_seconds:
            config = StreamConfig(chunk, right)
            texts = [streamed(model, folder, utterance, config) for utterance in utterances]
            rate = word_errors(references, texts).rate
            print(f"chunk {chunk:g} s, future {right:g} s: {rate:.2%} of words wrong", flush=True)


def streamed(model: SpeechModel, folder: Path, utterance: Utterance, config: StreamConfig) -> str:
    """The text of one utterance as a stream."""
    decoder = GreedyDecoder(model.vocabulary, model.step_seconds)
    stream = SpeechStream(model, decoder, config)
    signal = read_audio(folder / utterance.source, model.features.config.sample_rate)
    found = stream.feed(signal) + stream.finish()
    return " ".join(segment.text for segment in found if segment.final)


if __name__ == "__main__":
    main()
