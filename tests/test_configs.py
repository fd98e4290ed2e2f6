"""Every config of `conf/`: what it says is known, possible, of effect, and enough to train with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn

from audio_rnn import config as configs
from audio_rnn.classes import Classes
from audio_rnn.midi.hints import HINTS
from audio_rnn.midi.symbols import event_vocabulary
from audio_rnn.models.rolls import RollModel
from audio_rnn.models.sequence import SequenceModel
from audio_rnn.models.sound import SoundModel
from audio_rnn.models.speech import SpeechModel
from audio_rnn.vocabulary import Vocabulary
from recipes.audio_tagging import prepare_folder as own_sounds
from recipes.audio_tagging.config import RecipeConfig as Sounds
from recipes.language_model.train import RecipeConfig as Texts
from recipes.music_generation.train import RecipeConfig as Music
from recipes.music_generation.train_rolls import RecipeConfig as Rolls
from recipes.speech_recognition import prepare_folder as own_speech
from recipes.speech_recognition.config import RecipeConfig as Speech

CONF = Path(__file__).parents[1] / "conf"
PATHS = sorted(CONF.rglob("*.yaml"))
LETTERS = Vocabulary.from_texts(["abc"])
RECIPES: dict[str, tuple[type, Callable[[Any], nn.Module]]] = {
    "speech_recognition": (Speech, lambda model: SpeechModel(model, LETTERS)),
    "audio_tagging": (Sounds, lambda model: SoundModel(model, Classes(("a", "b")))),
    "language_model": (Texts, lambda model: SequenceModel(model, LETTERS)),
    "music_generation": (Music, lambda model: SequenceModel(model, event_vocabulary(), HINTS)),
    "rolls": (Rolls, lambda model: RollModel(model, voices=4)),
}
SWITCHES = ("_probability", "_masks")  # at 0, fields whose names begin alike do nothing

every_config = pytest.mark.parametrize(
    "path", PATHS, ids=lambda path: f"{path.parent.name}/{path.stem}"
)


def recipe(path: Path) -> tuple[type, Callable[[Any], nn.Module]]:
    """Which config it is, and what builds its network."""
    rolls = {"heads", "window", "lowest"} & configs.read_yaml(path).get("model", {}).keys()
    return RECIPES["rolls" if rolls else path.parent.name]


def said(path: Path) -> dict[str, Any]:
    """Dotted field -> what the file says."""
    return dict(_leaves(configs.read_yaml(path)))


def _leaves(values: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value


def field_of(config: object, dotted: str) -> Any:
    """The value of a field."""
    for name in dotted.split("."):
        config = getattr(config, name)
    return config


@every_config
def test_its_network_can_be_built(path: Path) -> None:
    kind, build = recipe(path)
    config = configs.load(kind, path)
    model = build(config.model)
    assert sum(parameter.numel() for parameter in model.parameters()) > 1000
    if "causal" in path.stem or "stream" in path.stem:
        model.features.stream()  # raises for what is known at the end only


@every_config
def test_it_says_where_data_and_run_are(path: Path) -> None:
    told = said(path)
    assert told["data"].startswith("data/") and told["run_dir"].startswith("runs/")


def test_no_two_configs_of_a_recipe_share_a_run_folder() -> None:
    folders = [(path.parent, said(path)["run_dir"]) for path in PATHS]
    assert len(PATHS) > 25 and len(set(folders)) == len(folders)


@every_config
def test_nothing_that_it_says_is_switched_off(path: Path) -> None:
    config = configs.load(recipe(path)[0], path)
    for name in said(path):
        section, _, field = name.rpartition(".")
        if not section.startswith("augment"):
            continue
        values = vars(field_of(config, section))
        for switch in (s for s in values if s.endswith(SWITCHES)):
            stem = switch.removesuffix("_probability").removesuffix("s")
            assert values[switch] or not field.startswith(stem), name


def test_no_config_writes_where_another_does() -> None:
    places = [configs.read_yaml(path)["run_dir"] for path in PATHS]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("module", [own_speech, own_sounds], ids=["speech", "sounds"])
def test_own_recordings_are_prepared_where_their_config_looks(module: Any) -> None:
    area = module.__name__.split(".")[1]
    said_there = configs.read_yaml(CONF / area / "folder.yaml")
    assert str(module.Options.__dataclass_fields__["output"].default) == said_there["data"]
