"""Frozen dataclasses <- YAML <- command line: one set of rules for file and flags."""

from __future__ import annotations

import dataclasses
import difflib
import types
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from audio_rnn.drafts import replacing
from audio_rnn.errors import ConfigError

Config = TypeVar("Config")


def from_dict(cls: type[Config], values: object, where: str = "config") -> Config:
    """Build the dataclass `cls` from plain values, checking every name and type.

    `where` is the dotted place named in errors. Fields that are absent keep their defaults, those of
    a section inside the defaults that this section has in `cls`.
    A dataclass checks combinations in its own `__post_init__` with `require`.

    Raises: ConfigError.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: found {values!r}, expected a mapping of fields")
    assert dataclasses.is_dataclass(cls)
    hints = get_type_hints(cls)
    for name in values:
        if name not in hints:
            raise ConfigError(f"{where}: unknown field {name!r}{_nearest(str(name), list(hints))}")
    whole = values | {
        name: _over(default, values[name])
        for name, default in _sections(cls).items()
        if isinstance(values.get(name), dict)
    }
    built = {name: _convert(hints[name], value, f"{where}.{name}") for name, value in whole.items()}
    missing = [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is field.default_factory is dataclasses.MISSING and field.name not in built
    ]
    if missing:
        raise ConfigError(f"{where}: field {missing[0]!r} is missing and has no default")
    try:
        return cls(**built)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def require(
    holds: bool, name: str, found: object, expected: str, remedy: str = "change it or leave it out"
) -> None:
    """For a dataclass's `__post_init__`. Raises: ConfigError that names the field, if not `holds`."""
    if not holds:
        raise ConfigError(f"{name}: found {found!r}, expected {expected}; {remedy}")


def to_dict(config: object) -> dict[str, Any]:
    """The inverse of `from_dict`: plain values that YAML and JSON can hold."""
    return _plain(dataclasses.asdict(config))  # type: ignore[call-overload]


def differences(
    old: dict[str, Any], new: dict[str, Any], place: str = ""
) -> dict[str, tuple[object, object]]:
    """Dotted field -> the values of both, where they differ; one that is absent is None."""
    found: dict[str, tuple[object, object]] = {}
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found |= differences(a, b, f"{place}{key}.")
        elif a != b:
            found[place + key] = (a, b)
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises ConfigError when there is none."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}{_meant(path)}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: no UTF-8, or a date like 2020-13-45
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: found {type(values).__name__}, expected a mapping of fields")
    return values


def _meant(path: Path) -> str:
    """What may have been meant by the name of a file that is not there."""
    folder = path if path.is_dir() else path.parent
    names = sorted(file.name for file in folder.glob("*.yaml"))
    close = difflib.get_close_matches(path.name, names, n=1) or (names if path.is_dir() else [])
    return f"; expected a YAML file such as {folder / close[0]}" if close else ""


def load(cls: type[Config], path: Path) -> Config:
    """A config from a YAML file."""
    return from_dict(cls, read_yaml(path), str(path))


def save(config: object, path: Path) -> None:
    """Write a config so that `load` gives it back. Raises: OSError."""
    with replacing(path) as file:
        file.write(yaml.safe_dump(to_dict(config), sort_keys=False).encode())


def from_command_line(
    cls: type[Config],
    description: str,
    arguments: list[str] | None = None,
    defaults: dict[str, Any] | None = None,
    prog: str | None = None,
) -> Config:
    """`--config file.yaml` first, then `--section.field value` on top of it.

    `defaults` are plain values for fields that neither gives, before those of `cls`; `prog` is what
    the usage line shows.

    Raises: ConfigError for a broken file; a wrong flag ends the process with status 2, as usual.
    """
    import argparse

    import tyro

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    known, rest = parser.parse_known_args(arguments)
    _check_stray(rest)
    given = read_yaml(known.config) if known.config else {}
    base = from_dict(cls, _over(defaults or {}, given), str(known.config or "config"))
    description += "\n\n--config FILE.yaml gives the values to start from."
    return tyro.cli(cls, prog=prog, description=description, args=rest, default=base)


def _check_stray(arguments: list[str]) -> None:
    """Raises: ConfigError for a YAML file that is no value of a flag, or of one that is misspelled."""
    for before, name in zip(["", *arguments], arguments):
        if name.endswith((".yaml", ".yml")) and (
            not before.startswith("-") or difflib.get_close_matches(before, ["--config"])
        ):
            found = f"{before} {name}" if before.startswith("-") else name
            raise ConfigError(f"found {found}, expected --config {name}")


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The values of `above`, and of `below` where it has none."""
    shared = {
        key: _over(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return below | above | shared


def _sections(cls: type) -> dict[str, dict[str, Any]]:
    """The defaults of fields that are dataclasses themselves, as plain values."""
    defaults = {
        field.name: field.default
        if field.default_factory is dataclasses.MISSING
        else field.default_factory()
        for field in dataclasses.fields(cls)
    }
    return {
        name: to_dict(default)
        for name, default in defaults.items()
        if dataclasses.is_dataclass(default) and not isinstance(default, type)
    }


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; expected one of {', '.join(known)}"


def _convert(hint: Any, value: object, where: str) -> Any:
    """Check `value` against the type `hint`, building nested dataclasses on the way."""
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value, where)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if origin is Literal:
        if any(value == option and type(value) is type(option) for option in arguments):
            return value
        raise ConfigError(
            f"{where}: found {value!r}, expected one of {', '.join(map(str, arguments))}"
        )
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    return _convert_scalar(hint, value, where)


def _convert_union(options: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and type(None) in options:
        return None
    problems = []
    for option in options:
        if option is not type(None):
            try:
                return _convert(option, value, where)
            except ConfigError as error:
                problems.append(error)
    raise problems[0]


def _convert_tuple(arguments: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: found {value!r}, expected a list")
    items = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(items) != len(value):
        raise ConfigError(f"{where}: found {len(value)} values, expected {len(items)}")
    return tuple(
        _convert(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(zip(items, value))
    )


def _convert_scalar(hint: Any, value: object, where: str) -> Any:
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return float(value)  # text, since YAML 1.1 reads 2e-3 as such
        except (ValueError, OverflowError):
            pass
    if isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value
    found = f"{value!r} ({type(value).__name__})"
    raise ConfigError(f"{where}: found {found}, expected {hint.__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
