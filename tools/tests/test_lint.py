# SPDX-License-Identifier: AGPL-3.0-only
"""Which files lint looks at."""

from __future__ import annotations

from pathlib import Path

import pytest
from lint import SPDX, c_files, has_mark, marked, project, python_files

FILES = [
    Path("ref/src/buf.c"),
    Path("ref/src/records.gen.c"),
    Path("ref/include/brrr/brrr.h"),
    Path("conformance/src/brrr_conformance/cli.py"),
    Path("conformance/src/brrr_conformance/adapter_pb2.py"),
    Path("conformance/src/brrr_conformance/adapter_pb2.pyi"),
]


def test_generated_code_is_left_alone() -> None:
    assert c_files(FILES) == [FILES[0], FILES[2]]
    assert python_files(FILES) == [FILES[3]]


def test_each_adapter_is_a_project_of_its_own() -> None:
    assert project(Path("adapters/tiny/tiny.py")) == Path("adapters/tiny")
    assert project(FILES[3]) == Path("conformance")


@pytest.mark.parametrize(
    "name",
    [
        "Makefile",
        "CMakeLists.txt",
        "ref/CMakeLists.txt",
        ".ci/run",
        ".clang-tidy",
        "ref/src/buf.c",
        "ref/src/records.gen.c",
        "proto/records.proto",
        "spec/model/brrr.pml",
        "adapters/c/run",
        "adapters/c/adapter.toml",
    ],
)
def test_sources_need_a_licence_line(name: str) -> None:
    assert marked(Path(name))


@pytest.mark.parametrize(
    "name",
    [
        "LICENSE",
        ".gitignore",
        "README.md",
        "CMakePresets.json",
        "conformance/requirements.lock",
        "conformance/vectors/x.jsonl",
        "conformance/vectors/captured/x.txt",
        "conformance/src/brrr_conformance/py.typed",
        "conformance/src/brrr_conformance/adapter_pb2.py",
    ],
)
def test_data_and_prose_need_none(name: str) -> None:
    assert not marked(Path(name))


def test_the_line_stands_near_the_top(tmp_path: Path) -> None:
    path = tmp_path / "x.c"
    path.write_text(f"/* {SPDX} */\n", encoding="utf-8")
    assert has_mark(path)
    path.write_text("\n" * 2000 + SPDX, encoding="utf-8")
    assert not has_mark(path)
