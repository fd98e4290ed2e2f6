"""Trainings that begin with another model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from audio_rnn.config import from_command_line, to_dict
from audio_rnn.models.transfer import Inherited
from recipes.command import program
from recipes.training import say


class Beginning(Protocol):
    """A recipe's config."""

    @property
    def init(self) -> Path | None:
        """Run folder of the model to begin with."""
        ...


class Configured(Protocol):
    """A model that knows what it was made of."""

    config: Any


Config = TypeVar("Config", bound=Beginning)


def from_arguments_around(
    cls: type[Config],
    load: Callable[[Path], Configured],
    description: str,
    arguments: list[str] | None = None,
) -> Config:
    """The config that the command line describes; with `init`, around the config of that model.

    Raises: ConfigError, ModelError.
    """
    config = from_command_line(cls, description, arguments, prog=program())
    if config.init is None:
        return config
    given = {"model": to_dict(load(config.init).config)}
    return from_command_line(cls, description, arguments, given, program())


def report_inherited(init: Path, inherited: Inherited, outputs: str) -> None:
    """Say what a model began with; `outputs` is what its outputs are, in the plural."""
    say(
        f"begins with {init}: its features, statistics and weights; of the output "
        f"{len(inherited.known)} {outputs}, {len(inherited.new)} new{_named(inherited.new)}, "
        f"{len(inherited.unused)} left behind{_named(inherited.unused)}"
    )


def _named(names: tuple[str, ...]) -> str:
    return f" ({' '.join(map(repr, names[:10]))})" if names else ""
