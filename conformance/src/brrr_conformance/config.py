# SPDX-License-Identifier: AGPL-3.0-only
"""An adapter's folder: what its adapter.toml says. The guide: adapters/README.md."""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brrr_conformance.outcome import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE = "adapter.toml"


class Framing(StrEnum):
    PROTOBUF = "protobuf"
    JSON = "json"


class Profile(StrEnum):
    """A part of the protocol that an SDK may have or not."""

    WIRE = "wire"
    CLIENT = "client"
    WORKER = "worker"
    # More than an SDK needs: to be claimed in so many words.
    CODEC_JSON = "codec-json"
    JOINS = "joins"
    DURABLE = "durable"
    PROGRAM = "program"


USUAL = frozenset({Profile.WIRE, Profile.CLIENT, Profile.WORKER})


class Store(StrEnum):
    """Where the records are; queue and cache are always on Redis."""

    REDIS = "redis"
    DYNAMODB = "dynamodb"


class Delivery(StrEnum):
    """What becomes of a message whose worker dies: lost, or delivered again."""

    AT_MOST_ONCE = "at-most-once"
    AT_LEAST_ONCE = "at-least-once"


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    folder: Path
    name: str
    language: str
    command: tuple[str, ...]
    framing: Framing
    level: int = 2
    profiles: frozenset[Profile] = USUAL
    delivery: Delivery = Delivery.AT_MOST_ONCE
    # A requirement or a case that the SDK does not implement, and why.
    not_implemented: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    # Seconds for each reply to a command.
    timeout: float = 10.0
    # Its user starts it (attached.py); nothing has to be in time then.
    attached: bool = False

    def environment(self) -> dict[str, str]:
        """Build the process's environment.

        The runner's own Python comes first on the PATH, so that `python3` in a
        command has the packages that the runner has.
        """
        here = str(Path(sys.executable).parent)
        path = os.pathsep.join([here, os.environ.get("PATH", os.defpath)])
        return {**os.environ, "PATH": path, **self.env}


def load_adapter(place: Path) -> AdapterConfig:
    """Read the adapter.toml of a folder, or the file itself."""
    file = place / FILE if place.is_dir() else place
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{file}: {error}") from error
    try:
        return _config(file.parent.resolve(), table)
    except (KeyError, TypeError, ValueError) as error:
        why = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise HarnessError(f"{file}: {why}") from error


def load_adapters(places: Iterable[Path]) -> list[AdapterConfig]:
    """Read several; each has a name of its own."""
    adapters = [load_adapter(place) for place in places]
    names = [adapter.name for adapter in adapters]
    if len(set(names)) < len(names):
        raise HarnessError(f"two adapters of one name: {', '.join(sorted(names))}")
    return adapters


def _config(folder: Path, table: dict[str, Any]) -> AdapterConfig:
    table = dict(table)
    table.pop("sdk", None)  # for people
    optional: dict[str, Any] = {}
    if (level := table.pop("level", None)) is not None:
        if level not in (1, 2):
            raise ValueError(f"level is {level!r}, not 1 or 2")
        optional["level"] = level
    if (profiles := table.pop("profiles", None)) is not None:
        optional["profiles"] = frozenset(Profile(name) for name in profiles)
    if (delivery := table.pop("delivery", None)) is not None:
        optional["delivery"] = Delivery(delivery)
    if (timeout := table.pop("timeout", None)) is not None:
        optional["timeout"] = float(timeout)
    for name in ("not_implemented", "env"):
        optional[name] = _texts(name, table.pop(name, {}))
    config = AdapterConfig(
        folder=folder,
        name=_text("name", table.pop("name")),
        language=_text("language", table.pop("language")),
        command=_command(folder, table.pop("command")),
        framing=Framing(table.pop("framing")),
        **optional,
    )
    if table:
        raise ValueError(f"unknown key: {', '.join(sorted(table))}")
    again = config.delivery is Delivery.AT_LEAST_ONCE
    if again and Profile.DURABLE not in config.profiles:
        why = (
            "delivery is at-least-once, which is judged by a profile that is not there"
        )
        raise ValueError(f"{why}: durable")
    return config


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not a text")
    return value


def _texts(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"[{name}] is not a table")
    return {key: _text(f"{name}.{key}", text) for key, text in value.items()}


def _command(folder: Path, value: object) -> tuple[str, ...]:
    """Split the command; a program with a slash is found from the folder."""
    words = shlex.split(value) if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise ValueError("command is neither a text nor a list of words")
    program, *rest = (_text("command", word) for word in words)
    if "/" in program:
        # Links are kept: that of a virtual environment says which one it is.
        program = os.path.normpath(folder / program)
    return (program, *rest)
