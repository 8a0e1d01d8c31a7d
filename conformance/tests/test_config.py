# SPDX-License-Identifier: AGPL-3.0-only
"""adapter.toml: what may stand in it, and what is said of what may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from brrr_conformance.config import Framing, Profile, load_adapter
from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from pathlib import Path

MINIMAL = """
name = "x"
language = "X"
command = ["./run", "it"]
framing = "json"
"""


def load(folder: Path, text: str) -> object:
    (folder / "adapter.toml").write_text(text)
    return load_adapter(folder)


def test_minimal(tmp_path: Path) -> None:
    (tmp_path / "adapter.toml").write_text(MINIMAL)
    config = load_adapter(tmp_path)
    assert config.command == (str(tmp_path / "run"), "it")
    assert (config.framing, config.level) == (Framing.JSON, 2)
    assert config.profiles == {Profile.WIRE, Profile.CLIENT, Profile.WORKER}
    assert load_adapter(tmp_path / "adapter.toml") == config


def test_whole(tmp_path: Path) -> None:
    text = (
        'name = "x"\nlanguage = "X"\nframing = "protobuf"\n'
        'command = "python3 a.py \'b c\'"\nlevel = 1\nprofiles = ["wire", "durable"]\n'
        'delivery = "at-least-once"\ntimeout = 2\n'
        '[not_implemented]\n"a" = "b"\n[env]\nQ = "R"\n'
    )
    (tmp_path / "adapter.toml").write_text(text)
    config = load_adapter(tmp_path)
    assert config.command == ("python3", "a.py", "b c")
    assert (config.level, config.profiles) == (1, frozenset(["wire", "durable"]))
    assert (config.timeout, config.not_implemented) == (2.0, {"a": "b"})
    assert config.environment()["Q"] == "R"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("name", "nome"), "name is missing"),
        (('"x"', '""'), "name is not a text"),
        (('"json"', '"xml"'), "xml"),
        (("framing", "level = 3\nframing"), "level is 3"),
        (("framing", 'profiles = ["all"]\nframing'), "all"),
        (("framing", "frame = 1\nframing"), "unknown key: frame"),
        (('["./run", "it"]', "[]"), "command is neither"),
        (('["./run", "it"]', "[1]"), "command is not a text"),
        (('"json"', '"json"\n[not_implemented]\n"a" = ""'), "not a text"),
        (('"json"', '"json"\nnot_implemented = 1'), "not a table"),
        (('"json"', "json"), "Invalid value"),
        (("framing", 'delivery = "at-least-once"\nframing'), "not there: durable"),
    ],
)
def test_not_an_adapter(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    with pytest.raises(HarnessError, match=rf"adapter\.toml: .*{words}"):
        load(tmp_path, MINIMAL.replace(*change))


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="none: No such file"):
        load_adapter(tmp_path / "none")
    with pytest.raises(HarnessError, match=r"adapter\.toml: No such file"):
        load_adapter(tmp_path)
