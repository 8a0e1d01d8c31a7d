# SPDX-License-Identifier: AGPL-3.0-only
"""Installs libbrrr into a temporary prefix, and builds and runs what uses it.

check_install.py static|shared SOURCE

With pkg-config and make, and with CMake, the example ref/examples/outside; with
a C++ compiler, a program that includes all public headers; each public header
alone as C11. Of a shared library, the symbols that it exports.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]

CXX = """
#include <brrr/memory.h>
static const brrr_bytes constant = BRRR_INIT("abc");
int main() {
  brrr_memory *m = nullptr;
  if (!brrr_bytes_equal(constant, BRRR_LIT("abc")) || BRRR_LIT("\\0").len != 1)
    return 1;
  if (brrr_memory_new(&m, brrr_alloc{}) != BRRR_OK)
    return 1;
  brrr_memory_free(m);
  return 0;
}
"""


def run(*words: str | Path, cwd: Path | None = None, env: dict[str, str]) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in words)}\n{done.stdout}")
    return done.stdout


def check(good: bool, what: str) -> None:
    if not good:
        sys.exit(what)


def install(kind: str, source: Path, work: Path, env: dict[str, str]) -> Path:
    build, first, prefix = work / "build", work / "first", work / "prefix"
    shared = "ON" if kind == "shared" else "OFF"
    options = [f"-DBUILD_SHARED_LIBS={shared}", "-DBRRR_BUILD_PROGRAMS=OFF"]
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", *options, env=env)
    run("cmake", "--build", build, "-j", "2", env=env)
    run("cmake", "--install", build, "--prefix", first, env=env)
    first.rename(prefix)  # it can be moved
    return prefix


def check_outside(source: Path, work: Path, env: dict[str, str]) -> None:
    example = source / "ref" / "examples" / "outside"
    made, built = work / "make", work / "cmake"
    made.mkdir()
    for path in example.iterdir():
        (made / path.name).write_bytes(path.read_bytes())
    run("make", cwd=made, env=env)
    run("cmake", "-S", example, "-B", built, "-G", "Ninja", env=env)
    run("cmake", "--build", built, env=env)
    for program in (made / "outside", built / "outside"):
        check(run(program, env=env) == "10\n", f"{program} does not print 10")


def check_headers(headers: list[Path], work: Path, env: dict[str, str]) -> None:
    flags = run("pkg-config", "--cflags", "--libs", "brrr", env=env).split()
    for header in headers:
        alone = work / "alone.c"
        alone.write_text(f"#include <brrr/{header.name}>\nint brrr_alone;\n", "utf-8")
        run(
            "cc", "-std=c11", *WARNINGS, "-c", alone, "-o", "/dev/null", *flags, env=env
        )
    text = "".join(f"#include <brrr/{header.name}>\n" for header in headers)
    program = work / "program.cc"
    program.write_text(text + CXX, "utf-8")
    binary = work / "program"
    run("c++", "-std=c++17", *WARNINGS, program, "-o", binary, *flags, env=env)
    run(binary, env=env)


def check_shared(lib: Path, headers: list[Path], env: dict[str, str]) -> None:
    [real] = [p for p in lib.glob("libbrrr.so.*") if not p.is_symlink()]
    dynamic = run("readelf", "-d", real, env=env)
    [soname] = re.findall(r"soname: \[(libbrrr\.so\.\d+\.\d+)\]", dynamic)
    check((lib / soname).exists() and (lib / "libbrrr.so").exists(), "links missing")
    listed = run("nm", "-D", "--defined-only", "--format=posix", real, env=env)
    exported = {line.split()[0] for line in listed.splitlines()}
    # A comment is no declaration.
    text = "".join(header.read_text("utf-8") for header in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    declared = set(re.findall(r"BRRR_API[^;(]*?\b(brrr_\w+)\(", text))
    check(len(declared) > 50, "no declarations found")
    extra, missing = sorted(exported - declared), sorted(declared - exported)
    check(not extra, f"exported, but in no public header: {extra}")
    check(not missing, f"declared, but not exported: {missing}")


def main() -> None:
    kind, source = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        prefix = install(kind, source, work, dict(os.environ))
        [pc] = prefix.rglob("brrr.pc")
        lib = pc.parent.parent
        env = {
            **os.environ,
            "PKG_CONFIG_PATH": str(pc.parent),
            "CMAKE_PREFIX_PATH": str(prefix),
            "LD_LIBRARY_PATH": str(lib),
        }
        headers = sorted((prefix / "include" / "brrr").glob("*.h"))
        check_headers(headers, work, env)
        if kind == "shared":
            check_shared(lib, headers, env)
        check_outside(source, work, env)


if __name__ == "__main__":
    main()
