# SPDX-License-Identifier: AGPL-3.0-only
"""A claim is a promise: what an adapter cannot lack, by the profiles that it claims."""

from __future__ import annotations

from brrr_conformance.config import AdapterConfig, Profile
from brrr_conformance.pb import adapter_pb2 as pb

NOBODYS: frozenset[Profile] = frozenset()
COMMANDS = {
    "schedule": frozenset({Profile.CLIENT}),
    "read": frozenset({Profile.CLIENT}),
    "encode_call": frozenset({Profile.CODEC_JSON}),
    "encode_value": frozenset({Profile.CODEC_JSON}),
    "schedule_task": frozenset({Profile.PROGRAM}),
    "read_task": frozenset({Profile.PROGRAM}),
    "serve_tasks": frozenset({Profile.PROGRAM}),
}
# An SDK may lack a record, but none that its roles have to write or read.
WRITTEN = {
    "schedule_message": frozenset({Profile.WIRE}),
    "call": frozenset({Profile.WIRE}),
    "pending_returns": frozenset({Profile.WIRE, Profile.WORKER}),
}
READ = {
    pb.SCHEDULE_MESSAGE: frozenset({Profile.WIRE, Profile.WORKER}),
    pb.PENDING_RETURNS: frozenset({Profile.WIRE, Profile.WORKER}),
    pb.CALL: frozenset({Profile.WIRE, Profile.WORKER}),
}


def broken_by(config: AdapterConfig, command: pb.Command) -> str:
    """Say which promise NOT_IMPLEMENTED to this command breaks; nothing if none."""
    claim = _claim(command)
    if not claim or not claim <= config.profiles:
        return ""
    name = command.WhichOneof("command")
    names = " and ".join(sorted(claim))
    return f"{config.name} claims {names}, and replies NOT_IMPLEMENTED to {name}"


def _claim(command: pb.Command) -> frozenset[Profile]:
    """Give the profiles of which all are claimed by who promises this command."""
    name = command.WhichOneof("command") or ""
    if name == "encode":
        return WRITTEN.get(command.encode.WhichOneof("record") or "", NOBODYS)
    if name == "decode":
        return READ.get(command.decode.type, NOBODYS)
    if name == "open":  # an SDK may lack the store of the run
        plain = command.open.durable and not command.open.HasField("dynamodb")
        return frozenset({Profile.DURABLE}) if plain else NOBODYS
    if name in ("serve", "serve_tasks"):
        serve = getattr(command, name)
        if serve.on_problem == pb.DEAD_LETTER:
            return frozenset({Profile.DURABLE})
        return COMMANDS.get(name, frozenset({Profile.WORKER}))
    return COMMANDS.get(name, NOBODYS)
