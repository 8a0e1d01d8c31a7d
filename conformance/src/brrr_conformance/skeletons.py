# SPDX-License-Identifier: AGPL-3.0-only
"""Skeletons of adapters: each greets, and knows no other command yet.

A skeleton is its files by name, in which NAME is the adapter's name. It speaks JSON
lines and needs nothing but its language.
"""

from __future__ import annotations

TOML = """name = "NAME"
language = "{language}"
sdk = "what is judged, for people"
command = {command}
framing = "json"
# A claim is a promise: put in "wire" once there are encode and decode, then "client",
# then "worker"; the others are in adapters/README.md of Brrr.
profiles = []
"""

TODO = """{c} TODO, in this order; `brrr-conformance doctor .` checks as you go:
{c}   encode, decode    the SDK's encoder and decoder: spec/wire.md, spec/records.md
{c}   open, close       connect to redis_url, disconnect: spec/redis.md
{c}   schedule, read    the SDK's client: spec/scheduling.md
{c}   serve, answer     its worker, whose handler asks the runner: spec/scheduling.md
{c} Octets are base64 in JSON. REFUSED is the SDK's own error for bad input, no other.
"""

PYTHON = '''"""The adapter of NAME, which speaks proto/adapter.proto: JSON lines."""

import json
import sys


class Failure(Exception):
    """How a command fails: a code of adapter.proto, and the reason."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def execute(name, it):
    if name == "hello":
        about = {"sdk": "NAME", "version": "0", "language": "Python"}
        return {"welcome": {"protocol": 1, **about}}
@TODO@    raise Failure("NOT_IMPLEMENTED", f"unknown command {name}")


for line in sys.stdin:
    command = json.loads(line)
    number = command.pop("id")
    name, it = command.popitem() if command else ("nothing", {})
    try:
        reply = execute(name, it)
    except Failure as failure:
        reply = {"failure": {"code": failure.code, "reason": str(failure)}}
    except Exception as error:  # nothing that the SDK documents: a defect
        reply = {"failure": {"code": "UNEXPECTED", "reason": repr(error)}}
    print(json.dumps({"id": number, **reply}), flush=True)
'''

JAVASCRIPT = """// @ts-check
// The adapter of NAME: one JSON object a line, as proto/adapter.proto says.
// JavaScript, which any Node.js runs; one that takes types away runs an .mts as well.
import { createInterface } from "node:readline";

/** How a command fails: a code of adapter.proto, and the reason. */
class Failure extends Error {
  constructor(/** @type {string} */ code, /** @type {string} */ reason) {
    super(reason);
    this.code = code;
  }
}

async function execute(/** @type {string} */ name, /** @type {any} */ it) {
  if (name === "hello") {
    const about = { sdk: "NAME", version: "0", language: "TypeScript" };
    return { welcome: { protocol: 1, ...about } };
  }
@TODO@  throw new Failure("NOT_IMPLEMENTED", `unknown command ${name}`);
}

function failure(/** @type {any} */ error) {
  const code = error instanceof Failure ? error.code : "UNEXPECTED"; // a defect
  return { failure: { code, reason: String(error?.message || error) } };
}

async function reply(/** @type {string} */ line) {
  const { id, ...command } = JSON.parse(line);
  const [name, it] = Object.entries(command)[0] ?? ["nothing", {}];
  const answer = await execute(name, it).catch(failure);
  process.stdout.write(JSON.stringify({ id, ...answer }) + "\\n");
}

createInterface({ input: process.stdin }).on("line", reply);
"""

GO = """// The adapter of NAME: one JSON object a line, as proto/adapter.proto says.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
)

type object = map[string]any

// execute gives the reply; nil, if a goroutine sends it later, as that of a Serve, or
// if there is none, as to an answer. Only what takes no time may be done here.
func execute(id json.RawMessage, name string, it json.RawMessage) object {
	if name == "hello" {
		return object{"welcome": object{
			"protocol": 1, "sdk": "NAME", "version": "0", "language": "Go"}}
	}
@TODO@	return failure("NOT_IMPLEMENTED", "unknown command "+name)
}

func failure(code, reason string) object {
	return object{"failure": object{"code": code, "reason": reason}}
}

var (
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
)

// send writes a reply to the command of this id, from any goroutine.
func send(id json.RawMessage, reply object) {
	writing.Lock()
	defer writing.Unlock()
	reply["id"] = id
	must(output.Encode(reply))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\\n') // of any length
		if errors.Is(err, io.EOF) {
			return
		}
		must(err)
		var command map[string]json.RawMessage
		must(json.Unmarshal(line, &command))
		id := command["id"]
		delete(command, "id")
		name, it := "nothing", json.RawMessage("{}")
		for name, it = range command {
		}
		if reply := execute(id, name, it); reply != nil {
			send(id, reply)
		}
	}
}
"""

RUN_GO = """#!/bin/sh
# Builds what has changed, and becomes the adapter.
cd "$(dirname "$0")" && go build -o ./adapter . >&2 && exec ./adapter
"""

C = """/* The adapter of NAME: one JSON object a line, as proto/adapter.proto says.
 * Take a JSON library, or framing = "protobuf" with protobuf-c, as adapters/c does. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void execute(unsigned long id, const char *command) {
    if (strncmp(command, "\\"hello\\"", 7) == 0) {
        printf("{\\"id\\": %lu, \\"welcome\\": {\\"protocol\\": 1,"
               " \\"sdk\\": \\"NAME\\", \\"version\\": \\"0\\","
               " \\"language\\": \\"C\\"}}\\n", id);
        return;
    }
@TODO@    printf("{\\"id\\": %lu, \\"failure\\": {\\"code\\": \\"NOT_IMPLEMENTED\\","
           " \\"reason\\": \\"unknown command\\"}}\\n", id);
}

int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *command = NULL; /* the runner writes the id first */
        unsigned long id = strtoul(line + strcspn(line, ":") + 1, &command, 10);
        execute(id, command + strspn(command, ", "));
        fflush(stdout);
    }
    free(line);
    return 0;
}
"""

RUN_C = """#!/bin/sh
# Builds what has changed, and becomes the adapter.
cd "$(dirname "$0")" && make -s adapter >&2 && exec ./adapter
"""


def files(language: str) -> dict[str, str]:
    """Give the files of a skeleton; those named `run` are to be executable."""
    name, command, source, comment, others = LANGUAGES[language]
    code = SOURCES[language].replace("@TODO@", _todo(comment))
    toml = TOML.format(language=name, command=command)
    return {"adapter.toml": toml, source: code, **others}


def _todo(comment: str) -> str:
    indent = comment[: len(comment) - len(comment.lstrip())]
    lines = TODO.format(c=comment.strip()).splitlines()
    if comment.strip() == "*":
        lines = ["/*", *(f" {line}" for line in lines), " */"]
    return "".join(f"{indent}{line}\n" for line in lines)


GO_MOD = "module NAME\n\ngo 1.21\n"
SOURCES = {"python": PYTHON, "typescript": JAVASCRIPT, "go": GO, "c": C}
# The language's name, the command, the source's name, its comments, other files.
LANGUAGES: dict[str, tuple[str, str, str, str, dict[str, str]]] = {
    "python": ("Python", '["python3", "adapter.py"]', "adapter.py", "    #", {}),
    "typescript": ("TypeScript", '["node", "adapter.mjs"]', "adapter.mjs", "  //", {}),
    "go": ("Go", '["./run"]', "adapter.go", "\t//", {"run": RUN_GO, "go.mod": GO_MOD}),
    "c": ("C", '["./run"]', "adapter.c", "    *", {"run": RUN_C}),
}
