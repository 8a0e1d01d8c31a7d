# SPDX-License-Identifier: AGPL-3.0-only
"""Generates brrr_conformance/pb from proto/: python generate_pb.py [FOLDER].

The result is committed; tests/test_pb.py fails when it is not what proto/ gives.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent / "proto"
PACKAGE = "brrr_conformance.pb"


def generate(target: Path) -> None:
    """Write the modules for every proto file into a folder."""
    names = sorted(path.name for path in PROTO.glob("*.proto"))
    google = files("grpc_tools") / "_proto"
    outputs = [f"--python_out={target}", f"--pyi_out={target}"]
    status = protoc.main(["protoc", f"-I{PROTO}", f"-I{google}", *outputs, *names])
    if status:
        raise SystemExit(status)
    for path in sorted(target.glob("*_pb2.py*")):
        # protoc knows no packages: its modules import each other from the top.
        text = path.read_text(encoding="utf-8")
        text = text.replace(
            "\nimport records_pb2", f"\nfrom {PACKAGE} import records_pb2"
        )
        if text.startswith("import records_pb2"):
            text = f"from {PACKAGE} {text}"
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    generate(
        Path(sys.argv[1])
        if len(sys.argv) > 1
        else HERE / "src" / "brrr_conformance" / "pb"
    )
