"""Score a trained tagger on a prepared manifest, or tune its thresholds on one.

python -m recipes.audio_tagging.evaluate --model runs/scenes --manifest data/scenes/test.jsonl

Where events are known, first find thresholds on held-out data, which saves them with the model:

python -m recipes.audio_tagging.evaluate --model runs/scenes --manifest data/scenes/valid.jsonl --tune

Several trainings of one config (`--also`) tell the mean of their probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from audio_rnn.classes import Classes
from audio_rnn.cli.shell import run_command
from audio_rnn.config import require
from audio_rnn.data.clips import check_clips
from audio_rnn.data.manifest import Utterance
from audio_rnn.decoding.events import DetectionConfig, load_rules, save_rules
from audio_rnn.device import choose_device
from audio_rnn.errors import InputError
from audio_rnn.inference.tagger import load_alike
from audio_rnn.models.folder import model_folder
from audio_rnn.models.sound import SoundModel
from audio_rnn.storage import write_text
from recipes.audio_tagging.hearing import Heard, listen
from recipes.audio_tagging.psds import psds
from recipes.audio_tagging.scores import (
    Scores,
    count_events,
    event_scores,
    show_confusions,
    show_events,
    show_scores,
    tag_scores,
)
from recipes.audio_tagging.tune import tuned, tuned_for_alarms
from recipes.command import program
from recipes.held_out import Recording, held_out


@dataclass(frozen=True)
class Options:
    """What to score, and where to write it."""

    model: Path  # run folder or model folder
    manifest: Path  # the clips and what is heard in them, or NAME.shards.jsonl of tar shards
    fold: int | None = None  # only the clips of this fold
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None  # JSON lines, one a clip
    tune: tyro.conf.FlagCreatePairsOff[bool] = False  # find and save thresholds and filters
    alarms: float | None = None  # with --tune: fewest misses at so many false alarms an hour
    without: Path | None = None  # manifest of sound in which no class is heard, to count alarms in
    psds: bool = True  # where events are known, the scores without thresholds too
    # other trainings of the same config: all tell the mean of their probabilities
    also: Annotated[tuple[Path, ...], tyro.conf.UseAppendAction] = ()
    source: str | None = None  # of shards, if not beside their index: a folder, or pipe:COMMAND

    def __post_init__(self) -> None:
        alone = not self.also or not self.tune
        require(alone, "tune", self.tune, "none with several models", "tune each of them")
        alarms = self.alarms
        require(alarms is None or self.tune, "alarms", alarms, "--tune with it")
        require(alarms is None or alarms >= 0, "alarms", alarms, "a number an hour, 0 or more")
        both = (alarms is None) == (self.without is None)
        require(both, "without", self.without, "it together with --alarms")


def evaluate(options: Options) -> Scores:
    """All scores. Prints them, and where classes are confused."""
    device = choose_device(options.device)
    models = [model.to(device) for model in load_alike([options.model, *options.also])]
    model = models[0]
    answers = [*listen(models, to_score(options, model.classes))]
    clips, heard = [clip for clip, _ in answers], [found for _, found in answers]
    _require_sounds(options.manifest, clips)
    console = Console()
    scores = tag_scores(clips, heard, model.classes)
    if "accuracy" in scores:
        show_confusions(console, clips, heard, model.classes)
    timed = [i for i, clip in enumerate(clips) if clip.events is not None]
    if timed or options.tune:
        few = [clips[i] for i in timed]
        scores |= detect(options, model, few, [heard[i] for i in timed], console)
    show_scores(console, scores)
    if options.output:
        write(options.output, scores, model, clips, heard)
    return scores


def to_score(options: Options, classes: Classes) -> Iterator[list[Recording]]:
    """The recordings, or those of one fold, part by part. Raises: ManifestError, InputError."""
    folds = set[int | None]()
    for part in held_out(options.manifest, options.source):
        folds.update(recording.utterance.fold for recording in part)
        kept = [r for r in part if options.fold in (None, r.utterance.fold)]
        check_clips([recording.utterance for recording in kept], classes, options.manifest)
        yield kept
    if options.fold not in (None, *folds):
        found = ", ".join(sorted(map(str, folds)))
        raise InputError(f"--fold {options.fold}: found folds {found} in {options.manifest}")


def detect(
    options: Options,
    model: SoundModel,
    clips: list[Utterance],
    heard: list[Heard],
    console: Console,
) -> Scores:
    """Scores of events; with `tune`, of the rules that are found and saved. Raises: InputError."""
    if not clips:
        raise InputError(f"--tune: {options.manifest} has no events, expected some to tune by")
    folder = model_folder(options.model)
    if options.tune:
        _refuse_test(options.manifest, clips)
        save_rules(folder, _tuned(options, model, clips, heard, console))
    counts = count_events(clips, heard, model.classes, model.step_seconds, load_rules(folder))
    show_events(console, counts)
    scores = event_scores(counts)
    if options.psds:
        scores |= psds(clips, heard, model.classes, model.step_seconds)
    return scores


def _tuned(
    options: Options,
    model: SoundModel,
    clips: list[Utterance],
    heard: list[Heard],
    console: Console,
) -> DetectionConfig:
    """By event F1 for each class, or by false alarms for all."""
    if options.alarms is None:
        return tuned(clips, heard, model.classes, model.step_seconds)
    assert options.without is not None, "checked with the options"
    without = [found for _, found in listen([model], held_out(options.without))]
    rule, counts = tuned_for_alarms(
        clips, heard, without, model.classes, model.step_seconds, options.alarms
    )
    console.print(
        f"threshold {rule.threshold:g}, median {rule.median_seconds:g} s: {counts.misses} of "
        f"{counts.hits + counts.misses} events missed, {counts.false_alarms} false alarms in "
        f"{options.without}",
        highlight=False,
    )
    return DetectionConfig(dict.fromkeys(model.classes.names, rule))


def write(
    path: Path, scores: Scores, model: SoundModel, clips: list[Utterance], heard: list[Heard]
) -> None:
    """JSON lines: the scores, then the probabilities of each clip."""
    rows = [
        {
            "id": clip.id,
            "labels": list(clip.labels or ()),
            "probabilities": dict(zip(model.classes.names, map(float, answer.clip.round(6)))),
        }
        for clip, answer in zip(clips, heard)
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in [scores, *rows]]
    write_text(path, "".join(line + "\n" for line in lines))


def _require_sounds(manifest: Path, clips: list[Utterance]) -> None:
    """Raises: InputError where no score can be told."""
    if not any(clip.labels for clip in clips):
        raise InputError(
            f"{manifest}: found {len(clips)} clips in which nothing is heard, expected tags or events "
            "in some: no score can be told; audio-rnn tag and detect tell what the model hears"
        )


def _refuse_test(manifest: Path, clips: list[Utterance]) -> None:
    """Raises: InputError for what is called a test set."""
    if "test" in manifest.name.split(".") or any(clip.split == "test" for clip in clips):
        raise InputError(
            f"--tune: {manifest} is a test set, expected held-out data such as valid.jsonl: scores "
            "on a test set that was tuned on tell nothing"
        )


def main() -> None:
    """Command line."""
    evaluate(tyro.cli(Options, prog=program(), description=__doc__))


if __name__ == "__main__":
    run_command(main)
