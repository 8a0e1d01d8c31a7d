# SPDX-License-Identifier: AGPL-3.0-only
"""The README tells what is really installed, and shows what is really compiled."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def words(name: str) -> set[str]:
    """Return the first word of each line that is not a comment."""
    lines = (line.split("#")[0].split() for line in read(name).splitlines())
    return {line[0] for line in lines if line}


def readme_rows() -> dict[str, str]:
    """Map the names in the tables to the versions beside them."""
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \| .+ \|$", read("README.md"), re.M)
    return dict(rows)


def test_each_package_is_in_the_readme() -> None:
    wanted = words("tools/debian-packages.txt") | words("conformance/requirements.in")
    assert set(readme_rows()) == wanted | {"python3-venv"}


def test_python_versions_are_those_of_the_lock() -> None:
    lock = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", read("conformance/requirements.lock"), re.M)
    )
    rows = readme_rows()
    names = words("conformance/requirements.in")
    assert {name: rows[name] for name in names} == {name: lock[name] for name in names}


def test_version_of_dynamodb_local_is_that_of_the_pom() -> None:
    [version] = re.findall(
        r"<artifactId>DynamoDBLocal</artifactId>\s*<version>(.+)</version>",
        read("tools/dynamodb/pom.xml"),
    )
    assert f"DynamoDBLocal {version} " in read("README.md")


def test_c_code_is_that_of_the_example() -> None:
    shown = re.findall(
        r"^<!-- from (\S+) -->\n```c\n(.*?)^```$", read("README.md"), re.M | re.S
    )
    assert len(shown) == 2
    assert [code for file, code in shown if code not in read(file)] == []
    assert shown[0][1].startswith("static brrr_status fib(")
    assert shown[0][1].count("\n") < 30
