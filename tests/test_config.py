"""Configs: every wrong name, type and file is a named error, the same in YAML and in flags."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_rnn import config as configs
from audio_rnn.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    rate: float = 1e-3  # learning rate
    steps: int = 10
    kind: Literal["sgd", "adamw"] = "sgd"
    order: Literal[0, 1, 2] = 2
    norm: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"steps: found {self.steps}, expected 1 or more")


@dataclass(frozen=True)
class Outer:
    folder: Path = Path("data")
    name: str = "x"
    limit: int | None = None
    span: tuple[float, float] = (0.0, 1.0)
    tags: tuple[str, ...] = ()
    inner: Inner = field(default_factory=Inner)


@dataclass(frozen=True)
class Needy:
    name: str


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_absent_fields_keep_their_defaults():
    assert configs.from_dict(Outer, {}) == Outer()


def test_nested_values_arrive():
    values = {"folder": "a/b", "limit": 3, "span": [1, 2.5], "tags": ["p"], "inner": {"rate": 1}}
    expected = Outer(Path("a/b"), "x", 3, (1.0, 2.5), ("p",), Inner(rate=1.0))
    assert configs.from_dict(Outer, values) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nam": 1}, "config: unknown field 'nam'; did you mean 'name'?"),
        ({"zzz": 1}, "config: unknown field 'zzz'; expected one of folder, name, limit"),
        ({3: 1}, "config: unknown field 3"),
        ({"inner": {"step": 1}}, "config.inner: unknown field 'step'; did you mean 'steps'?"),
        ({"inner": 3}, "config.inner: found 3, expected a mapping of fields"),
        ({"name": 3}, "config.name: found 3 (int), expected str"),
        ({"name": None}, "config.name: found None (NoneType), expected str"),
        ({"folder": 3}, "config.folder: found 3 (int), expected Path"),
        ({"limit": "many"}, "config.limit: found 'many' (str), expected int"),
        ({"limit": True}, "config.limit: found True (bool), expected int"),
        ({"limit": 1.5}, "config.limit: found 1.5 (float), expected int"),
        ({"span": 1}, "config.span: found 1, expected a list"),
        ({"span": [1]}, "config.span: found 1 values, expected 2"),
        ({"span": [1, "b"]}, "config.span[1]: found 'b' (str), expected float"),
        ({"tags": "abc"}, "config.tags: found 'abc', expected a list"),
        ({"tags": ["a", 1]}, "config.tags[1]: found 1 (int), expected str"),
        ({"inner": {"rate": "fast"}}, "config.inner.rate: found 'fast' (str), expected float"),
        ({"inner": {"rate": True}}, "config.inner.rate: found True (bool), expected float"),
        ({"inner": {"rate": 10**400}}, "(int), expected float"),
        (
            {"inner": {"kind": "adam"}},
            "config.inner.kind: found 'adam', expected one of sgd, adamw",
        ),
        ({"inner": {"order": True}}, "config.inner.order: found True, expected one of 0, 1, 2"),
        ({"inner": {"order": 1.0}}, "config.inner.order: found 1.0, expected one of 0, 1, 2"),
        ({"inner": {"norm": 1}}, "config.inner.norm: found 1 (int), expected bool"),
        ({"inner": {"steps": 0}}, "config.inner: steps: found 0, expected 1 or more"),
        ([1], "config: found [1], expected a mapping of fields"),
    ],
)
def test_wrong_values_name_place_value_and_expectation(values, message):
    with pytest.raises(ConfigError) as error:
        configs.from_dict(Outer, values)
    assert message in str(error.value)


def test_a_field_without_default_is_asked_for():
    with pytest.raises(ConfigError, match="field 'name' is missing"):
        configs.from_dict(Needy, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
fields_or_typos = st.sampled_from([f.name for f in dataclasses.fields(Outer)]) | st.text()


@settings(max_examples=50)
@given(st.dictionaries(fields_or_typos, json_values))
def test_any_mapping_gives_a_config_or_a_named_error(values):
    try:
        assert isinstance(configs.from_dict(Outer, values), Outer)
    except ConfigError as error:
        assert str(error).startswith("config")


def test_yaml_scientific_notation_is_a_number(tmp_path):
    path = write(tmp_path / "a.yaml", "inner: {rate: 2e-3}")
    assert configs.load(Outer, path).inner.rate == 2e-3


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert configs.load(Outer, write(tmp_path / "a.yaml", "# nothing\n")) == Outer()


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
outers = st.builds(
    Outer,
    folder=st.sampled_from([Path("a"), Path("/b/c"), Path("ü x")]),
    name=names,
    limit=st.none() | st.integers(),
    span=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
    tags=st.lists(names, max_size=3).map(tuple),
    inner=st.builds(Inner, rate=st.floats(allow_nan=False), order=st.sampled_from([0, 1, 2])),
)


@given(outers)
def test_save_and_load_give_the_config_back(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "round.yaml"
    configs.save(config, path)
    assert configs.load(Outer, path) == config


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner: {rate: ", "not YAML"),
        ("- 1\n- 2\n", "found list, expected a mapping"),
        ("just words", "found str, expected a mapping"),
        ("name: 2020-13-45", "not YAML"),
        ("name: !!python/object/apply:os.getcwd []", "not YAML"),
        ("inner: {steps: 0}", "steps: found 0"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    path = write(tmp_path / "broken.yaml", text)
    with pytest.raises(ConfigError) as error:
        configs.load(Outer, path)
    assert str(path) in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path, reason in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "directory")):
        with pytest.raises(ConfigError, match=reason):
            configs.load(Outer, path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff\xfe\xfa")
    with pytest.raises(ConfigError, match=r"latin\.yaml: not YAML"):
        configs.load(Outer, tmp_path / "latin.yaml")


def command_line(*arguments: str) -> Outer:
    return configs.from_command_line(Outer, "A test.", list(arguments))


def test_the_command_line_lies_over_the_file(tmp_path):
    path = write(tmp_path / "a.yaml", "name: file\nlimit: 3\ninner: {rate: 2e-3, steps: 7}\n")
    flags = ("--inner.steps", "8", "--span", "2", "3", "--inner.norm")
    expected = Outer(name="file", limit=3, span=(2, 3), inner=Inner(rate=2e-3, steps=8, norm=True))
    assert command_line("--config", str(path), *flags) == expected
    assert command_line(f"--config={path}", "--limit", "None").limit is None


def test_without_arguments_the_process_s_own_are_read(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train", "--name", "given"])
    assert configs.from_command_line(Outer, "A test.").name == "given"


@pytest.mark.parametrize(
    "flags",
    [
        ["--nam", "x"],
        ["--inner.step", "3"],
        ["--limit", "many"],
        ["--inner.kind", "adam"],
        ["--config"],
    ],
)
def test_a_wrong_flag_ends_with_status_2(flags, capsys):
    with pytest.raises(SystemExit) as end:
        command_line(*flags)
    assert end.value.code == 2
    assert flags[0].lstrip("-") in capsys.readouterr().err


def test_a_wrong_value_on_the_command_line_is_a_config_error():
    with pytest.raises(ConfigError, match="steps: found 0"):
        command_line("--inner.steps", "0")


def test_defaults_lie_under_the_file_and_the_flags(tmp_path):
    defaults = {"name": "under", "limit": 3, "inner": {"rate": 0.5, "steps": 7}}
    path = write(tmp_path / "a.yaml", "{name: file, inner: {steps: 8, norm: true}}")
    flags = ["--config", str(path), "--limit", "4"]
    found = configs.from_command_line(Outer, "", flags, defaults)
    assert found == Outer(name="file", limit=4, inner=Inner(rate=0.5, steps=8, norm=True))


def test_differences_are_named_by_their_field():
    one = configs.to_dict(Outer())
    two = configs.to_dict(Outer(name="y", inner=Inner(rate=0.5)))
    assert configs.differences(one, two) == {"inner.rate": (1e-3, 0.5), "name": ("x", "y")}
    assert configs.differences({"a": 1}, {}) == {"a": (1, None)}


def test_a_config_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        command_line("--config", str(tmp_path / "none.yaml"))
    (tmp_path / "folder.yaml").touch()
    for name in ("folder.yml", "fodler.yaml", "."):
        with pytest.raises(ConfigError, match=r"expected a YAML file such as .*/folder\.yaml"):
            command_line("--config", str(tmp_path / name))


@pytest.mark.parametrize("flags", [["a.yaml"], ["--conf", "a.yaml"], ["--limit", "3", "a.yml"]])
def test_a_config_file_without_its_flag_says_which_it_is(flags):
    with pytest.raises(ConfigError, match=rf"found .*{flags[-1]}, expected --config {flags[-1]}$"):
        command_line(*flags)


def test_another_flag_may_have_a_file_of_this_kind():
    assert command_line("--folder", "a.yaml").folder == Path("a.yaml")


def test_field_comments_become_help(capsys):
    with pytest.raises(SystemExit) as end:
        command_line("--help")
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert "learning rate" in out
    assert "--config FILE.yaml" in out


@dataclass(frozen=True)
class Special:
    inner: Inner = Inner(steps=99, kind="adamw")


def test_a_section_given_in_part_keeps_the_defaults_it_has_there():
    found = configs.from_dict(Special, {"inner": {"rate": 0.5}})
    assert found == Special(Inner(0.5, 99, "adamw"))
