"""Prepare soundscapes with strong labels, mixed from the clips of a prepared corpus.

SOURCE is a folder that another prepare script wrote (prepare_folder for your own clips). Clips of
one tag are events: parts that sound are cut from them and placed over background noise, so that
every onset and offset is known. Of a corpus with folds, name those of training and of testing; the
validation soundscapes are mixed from recordings that are held out of training. Clips without a tag
can be mixed in as sounds that are no events, such as words that are not looked for. The same
options give the same files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import tyro

from audio_rnn.audio import EXTENSIONS, read_audio
from audio_rnn.config import require
from audio_rnn.data.manifest import Utterance, read_manifest
from audio_rnn.errors import InputError
from audio_rnn.files import files_below
from recipes.audio_tagging.corpus import FOLDS, SPLITS, clear, write_corpus
from recipes.audio_tagging.excerpts import joined
from recipes.audio_tagging.scenes import (
    UNTOLD,
    Draw,
    DrawBackground,
    SceneConfig,
    background,
    length,
    make_scene,
)
from recipes.audio_tagging.sounding import SHORTEST, Region, Waveform, cut, faded, regions
from recipes.audio_tagging.splits import divide
from recipes.prepare import NONE, Source, leave_out, listed, progress, require_folder, run

KEPT_CLIPS = 512  # that stay in memory
DEFAULT = SceneConfig()


@dataclass(frozen=True)
class Options:
    source: Source
    """Folder of a prepared corpus."""
    output: Path = Path("data/soundscapes")
    """Folder for sound, manifests and classes."""
    train_folds: Annotated[tuple[int, ...], NONE] = ()
    """Folds whose clips are heard in training and validation; for a corpus with folds."""
    test_folds: Annotated[tuple[int, ...], NONE] = ()
    """Folds whose clips are heard in testing."""
    valid_share: float = 0.15
    """Share of the training clips held out for validation, where no validation set is given."""
    train_scenes: int = 600
    """Number of training soundscapes."""
    valid_scenes: int = 60
    """Number of validation soundscapes; 0 for none."""
    test_scenes: int = 150
    """Number of test soundscapes; 0 for none."""
    scene: Annotated[SceneConfig, tyro.conf.arg(name="")] = DEFAULT
    whole: bool = False
    """Take parts that sound as they are, as for words, in place of a random length of them."""
    untagged: float = 0.0
    """Share of the sounds that come from clips without a tag, and are no events."""
    background: Path | None = None
    """Folder of recordings to use as background, in place of noise of random colours; if it has the
    folders train, valid and test, each split has its own."""
    seed: int = 0
    """Another seed mixes others."""


def prepare(options: Options) -> None:
    """Mix the soundscapes. Raises: InputError."""
    require(0 <= options.untagged < 1, "--untagged", options.untagged, "a share from 0 to below 1")
    backgrounds = _backgrounds(options)
    sources = choose(options)
    counts = {name: getattr(options, f"{name}_scenes") for name in SPLITS}
    for name, count in counts.items():
        if count < (name == "train") or (count and not sources[name]):
            flag = f"--{name}-scenes"
            found = f"{count} with {len(sources[name])} clips to mix"
            raise InputError(f"{flag}: found {found}, expected clips, or 0 (but for training)")
    heard = {name: Sounds(options, sources[name]) for name in SPLITS if counts[name]}
    wanted = [(name, n) for name in heard for n in range(counts[name])]
    clear(options.output)
    scenes = [
        make_scene(
            options.scene,
            options.output,
            name,
            n,
            options.seed,
            heard[name].draw,
            backgrounds[name],
        )
        for name, n in progress(wanted, "mixing soundscapes", len(wanted))
    ]
    write_corpus(options.output, scenes)


def choose(options: Options) -> dict[str, list[Utterance]]:
    """The clips that each split is mixed from. Raises: InputError."""
    source = require_folder(options.source, "a folder that a prepare script wrote")
    folds = source / f"{FOLDS}.jsonl"
    if folds.exists():
        parts = _by_folds(options, read_manifest(folds))
    elif options.train_folds or options.test_folds:
        raise InputError(f"{source}: found no {FOLDS}.jsonl, expected one for --train-folds")
    else:
        paths = {name: source / f"{name}.jsonl" for name in SPLITS}
        parts = {
            name: read_manifest(p) if p.exists() or name == "train" else []
            for name, p in paths.items()
        }
    parts = {name: usable(clips, options.untagged > 0) for name, clips in parts.items()}
    if not parts["valid"] and options.valid_scenes:
        train = divide(parts["train"], options.valid_share, 0.0)
        parts |= {name: [c for c in train if c.split == name] for name in ("train", "valid")}
    return parts


def _by_folds(options: Options, clips: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    known, train, test = {c.fold for c in clips}, set(options.train_folds), set(options.test_folds)
    if not train or train & test or not train | test <= known:
        raise InputError(
            f"--train-folds {sorted(train)} --test-folds {sorted(test)}: expected some of "
            f"{sorted(map(str, known))} each, none in both"
        )
    return {
        "train": [c for c in clips if c.fold in train],
        "valid": [],
        "test": [c for c in clips if c.fold in test],
    }


def usable(clips: Sequence[Utterance], untagged: bool) -> list[Utterance]:
    """The clips in which one thing is heard, and, if wanted, those without a tag."""
    counts = (0, 1) if untagged else (1,)
    wrong = [
        c.id for c in clips if c.audio is None or c.events or len(set(c.labels or ())) not in counts
    ]
    if wrong:
        leave_out(f"{len(wrong)} clips without one tag alone: {listed(wrong)}")
    return [clip for clip in clips if clip.id not in set(wrong)]


class Sounds:
    """Sounds drawn from clips: the class first, so that all are heard equally often."""

    def __init__(self, options: Options, clips: Sequence[Utterance]) -> None:
        self.config, self.folder, self.whole = options.scene, options.source, options.whole
        self.untagged = options.untagged
        shortest = 0.0 if options.whole else SHORTEST
        self.read = lru_cache(KEPT_CLIPS)(self._read)
        self.parts: dict[str, list[tuple[str, list[Region]]]] = {}
        silent = []
        for clip in clips:
            found = regions(self.read(clip.source), self.config.sample_rate, shortest)
            if found:
                label = (clip.labels or (UNTOLD,))[0]
                self.parts.setdefault(label, []).append((clip.source, found))
            else:
                silent.append(clip.id)
        if silent:
            leave_out(f"{len(silent)} clips are silent or too short: {listed(silent)}")
        self.labels = sorted(self.parts.keys() - {UNTOLD})
        self._check(options.source)

    def draw(self, draw: Draw) -> tuple[str, Waveform]:
        """A label and its sound (samples,)."""
        label = self._label(draw)
        path, found = self.parts[label][draw.integers(len(self.parts[label]))]
        region = found[draw.integers(len(found))]
        waveform, rate = self.read(path), self.config.sample_rate
        if self.whole:
            return label, faded(waveform[slice(*region)], rate)
        return label, cut(waveform, region, length(self.config, draw), rate, draw)

    def _label(self, draw: Draw) -> str:
        if self.untagged and draw.uniform() < self.untagged:
            return UNTOLD
        return self.labels[draw.integers(len(self.labels))]

    def _check(self, source: Path) -> None:
        if not self.labels:
            raise InputError(f"{source}: found no clip that sounds, expected some to mix")
        if self.untagged and UNTOLD not in self.parts:
            raise InputError(
                f"--untagged {self.untagged:g}: found no clip without a tag among those of a split "
                f"of {source}, expected some; add some, or leave --untagged out"
            )

    def _read(self, path: str) -> Waveform:
        return read_audio(self.folder / path, self.config.sample_rate)


def _backgrounds(options: Options) -> dict[str, DrawBackground]:
    """Of each split: noise, or excerpts of recordings; short ones are joined."""
    if options.background is None:
        return dict.fromkeys(SPLITS, background)
    folder = require_folder(options.background, "a folder of recordings for the background")
    own = {name: folder / name for name in SPLITS}
    apart = all(path.is_dir() for path in own.values())
    rate = options.scene.sample_rate
    return {name: _excerpts(own[name] if apart else folder, rate) for name in SPLITS}


def _excerpts(folder: Path, rate: int) -> DrawBackground:
    """Raises: InputError for a folder without recordings."""
    files = files_below(folder, EXTENSIONS)
    if not files:
        raise InputError(f"{folder}: found no audio file, expected some for the background")

    def draw_excerpt(samples: int, draw: Draw) -> Waveform:
        return joined(files, samples, rate, draw)

    return draw_excerpt


if __name__ == "__main__":
    run(prepare, Options, __doc__)
