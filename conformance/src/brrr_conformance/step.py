# SPDX-License-Identifier: AGPL-3.0-only
"""A command as a step of the protocol: what it reads, writes, waits for.

SDKs differ in how they do a compare-and-set (EVAL, EVALSHA, FCALL, SET … IFEQ,
WATCH and EXEC). A case asks what a command touches, never how. A request to
DynamoDB is a step too (request.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

STORE_PREFIXES = (b"call/", b"value/", b"pending_returns/", b"brrr_count/")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READS = _names(
    "GET MGET EXISTS STRLEN GETRANGE SUBSTR TYPE TTL PTTL WATCH DIGEST DUMP LLEN "
    "LRANGE LINDEX LPOS EVAL_RO EVALSHA_RO FCALL_RO "
    "ZSCORE ZRANGE ZRANGEBYSCORE ZCARD HGET HMGET HGETALL HEXISTS HLEN"
)
# Of DynamoDB; upper case as the name is.
_REQUESTS_THAT_READ = _names("GETITEM BATCHGETITEM TRANSACTGETITEMS QUERY SCAN")
SCRIPTS = _names("EVAL EVALSHA FCALL EVAL_RO EVALSHA_RO FCALL_RO")
_POPS = _names("BLPOP BRPOP BLMOVE BRPOPLPUSH BLMPOP")
_ALL_KEYS = _names("MGET EXISTS WATCH DEL UNLINK")
_PAIRS = _names("MSET MSETNX")
_TWO_KEYS = _names("RENAME RENAMENX COPY LMOVE RPOPLPUSH BLMOVE BRPOPLPUSH")
# Their first argument is a key; a command that is in no table is looked through
# for what is a key of ours.
_ONE_KEY = _names(
    "SET SETEX PSETEX SETNX GETSET GETDEL GETEX APPEND SETRANGE DELEX INCR INCRBY "
    "DECR DECRBY EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST RESTORE RPUSH LPUSH "
    "RPUSHX LPUSHX LPOP RPOP LREM LTRIM LSET LINSERT "
    "ZADD ZREM ZINCRBY ZREMRANGEBYSCORE HSET HDEL HINCRBY"
)


@dataclass(frozen=True)
class Step:
    """One command. `args` is what the client sent, the name included."""

    args: tuple[bytes, ...]

    @cached_property
    def name(self) -> str:
        return self.args[0].decode("ascii", "replace").upper() if self.args else ""

    @cached_property
    def keys(self) -> tuple[bytes, ...]:
        args, name = self.args, self.name
        if name in SCRIPTS:
            count = int(args[2]) if len(args) > 2 and args[2].isdigit() else 0
            return args[3 : 3 + count]
        if name in ("BLPOP", "BRPOP"):
            return args[1:-1]
        if name in ("BLMPOP", "LMPOP"):
            at = 2 if name == "BLMPOP" else 1
            count = int(args[at]) if len(args) > at and args[at].isdigit() else 0
            return args[at + 1 : at + 1 + count]
        if name in _ALL_KEYS:
            return args[1:]
        if name in _PAIRS:
            return args[1::2]
        if name in _TWO_KEYS:
            return args[1:3]
        if name in _READS or name in _ONE_KEY:
            return args[1:2]
        return tuple(arg for arg in args[1:] if arg.startswith(STORE_PREFIXES))

    @property
    def is_write(self) -> bool:
        """May change its keys; a script may, and so may an unknown command."""
        reads = self.name in _READS or self.name in _REQUESTS_THAT_READ
        return not reads and bool(self.keys)

    @property
    def is_pop(self) -> bool:
        """Waits for a message."""
        return self.name in _POPS

    def reads(self, key: str | bytes) -> bool:
        return not self.is_write and _octets(key) in self.keys

    def writes(self, key: str | bytes) -> bool:
        return self.is_write and _octets(key) in self.keys

    def touches(self, key: str | bytes) -> bool:
        return _octets(key) in self.keys

    def __str__(self) -> str:
        return " ".join(shorten(arg) for arg in self.args)


def shorten(octets: bytes, most: int = 80) -> str:
    """Show octets on one line."""
    text = repr(octets[:most])[2:-1]
    return f"{text}…({len(octets)})" if len(octets) > most else text


def _octets(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key
