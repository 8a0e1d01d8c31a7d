# SPDX-License-Identifier: AGPL-3.0-only
"""The oracle's records, and their other forms."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brrr_conformance import forms, records
from brrr_conformance.bencode import DecodeError, EncodeError
from brrr_conformance.pb import records_pb2
from brrr_conformance.records import (
    Call,
    Expect,
    Kind,
    PendingReturn,
    PendingReturns,
    Record,
    ScheduleMessage,
)

RECORDS = [kind for kind in Kind if kind is not Kind.VALUE]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
hashes = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8)
waiting = st.builds(PendingReturn, texts, hashes, texts)
times = st.integers(0, 2**53 - 1)
some_records: st.SearchStrategy[Record] = st.one_of(
    st.builds(ScheduleMessage, texts, hashes),
    waiting,
    st.builds(PendingReturns, st.lists(waiting, max_size=6).map(tuple), times),
    st.builds(Call, st.binary(max_size=20), texts),
)


def kind_of(record: Record) -> Kind:
    return Kind(type(record).__name__)


def octets_of(entry: PendingReturn) -> tuple[bytes, ...]:
    return tuple(getattr(entry, each.name).encode() for each in fields(entry))


def canonical(record: Record) -> Record:
    """Give the record as it comes back: a set in order."""
    if not isinstance(record, PendingReturns):
        return record
    returns = tuple(sorted(set(record.returns), key=octets_of))
    return PendingReturns(returns, record.scheduled_at)


@pytest.mark.parametrize("kind", RECORDS)
def test_classes_are_what_the_descriptors_say(kind: Kind) -> None:
    table = records.schema(kind)
    assert [each.name for each in table.fields] == [
        each.name for each in fields(kind.record_type)
    ]


def test_all_records_have_a_class() -> None:
    names = set(records_pb2.DESCRIPTOR.message_types_by_name)
    assert names == set(map(str, RECORDS))


def test_examples() -> None:
    assert ScheduleMessage("root1", "c1hash").encode() == b"li2e5:root16:c1hashe"
    parent = PendingReturn("root1", "parenthash", "topic-t")
    octets = b"li1e5:root110:parenthash7:topic-te"
    assert parent.encode() == octets
    assert PendingReturn.decode(octets) == parent
    octets = b"d7:returnsl" + octets + b"e12:scheduled_ati1795489157ee"
    assert PendingReturns((parent,), 1795489157).encode() == octets
    assert PendingReturns.decode(octets) == PendingReturns((parent,), 1795489157)
    assert Call(b"[]", "leaf").encode() == b"d7:payload2:[]9:task_name4:leafe"


@given(some_records)
def test_decode_gives_back_what_encode_wrote(record: Record) -> None:
    octets = record.encode()
    assert records.decode(kind_of(record), octets) == canonical(record)
    assert canonical(record).encode() == octets
    verdict = records.judge(kind_of(record), octets)
    assert (verdict.expect, verdict.canonical) == (Expect.ACCEPT, octets)


@given(some_records, st.data())
def test_damage_is_rejected_or_still_a_record(record: Record, data: Any) -> None:
    octets = bytearray(record.encode())
    at = data.draw(st.integers(0, len(octets) - 1))
    end = data.draw(st.integers(at, min(at + 2, len(octets))))
    octets[at:end] = data.draw(st.binary(max_size=2))
    for kind in Kind:
        verdict = records.judge(kind, bytes(octets))
        if verdict.expect is Expect.ACCEPT:
            again = records.judge(kind, verdict.canonical)
            assert again.canonical == verdict.canonical
        else:
            assert verdict.error is not None
            assert 0 <= verdict.error.offset <= len(octets)
            assert re.fullmatch(r"(WIRE|REC)-[0-9]+", verdict.error.requirement)
            assert verdict.error.level == verdict.level


@pytest.mark.parametrize(
    ("kind", "octets", "offset", "requirement"),
    [
        (Kind.SCHEDULE_MESSAGE, b"de", 0, "REC-23"),
        (Kind.CALL, b"le", 0, "REC-23"),
        (Kind.SCHEDULE_MESSAGE, b"li3e1:a1:be", 1, "REC-24"),
        (Kind.SCHEDULE_MESSAGE, b"l1:21:a1:be", 1, "REC-24"),
        (Kind.SCHEDULE_MESSAGE, b"li18446744073709551618e1:a1:be", 1, "REC-24"),
        (Kind.SCHEDULE_MESSAGE, b"le", 1, "REC-25"),
        (Kind.SCHEDULE_MESSAGE, b"li2e1:ae", 7, "REC-25"),
        (Kind.SCHEDULE_MESSAGE, b"li2e1:a1:b1:ce", 10, "REC-25"),
        (Kind.CALL, b"d7:payload0:e", 12, "REC-26"),
        (Kind.PENDING_RETURNS, b"d7:returnsdee", 10, "REC-27"),
        (Kind.CALL, b"d7:payload0:9:task_name2:a\xffe", 26, "WIRE-25"),
        (Kind.SCHEDULE_MESSAGE, b"li2ei1e1:be", 4, "REC-40"),
        (Kind.PENDING_RETURNS, b"d7:returnsle12:scheduled_ati-1ee", 27, "REC-41"),
        (Kind.SCHEDULE_MESSAGE, b"li2e1:a2:b\x7fe", 10, "REC-42"),
        (Kind.SCHEDULE_MESSAGE, b"li2e1:a2:b\xffe", 10, "WIRE-25"),
    ],
)
def test_error_names_place_and_requirement(
    kind: Kind, octets: bytes, offset: int, requirement: str
) -> None:
    error = records.judge(kind, octets).error
    assert error is not None
    assert (error.offset, error.requirement) == (offset, requirement)


@pytest.mark.parametrize(
    ("octets", "level"),
    [
        # A level 1 decoder may take either; both are wrong only in the second.
        (b"d7:payload0:9:task_name1:\xff9:task_name1:ae", 2),
        (b"d7:payload0:9:task_name1:\xff9:task_name1:\xfee", 1),
        # Level 2 comes first, level 1 later.
        (b"d9:task_name1:a7:payload0:e", 2),
        (b"d9:task_name1:a7:payload0:", 1),
        (b"d7:payloadle9:task_namelee", 2),
    ],
)
def test_judge_tells_the_levels_apart(octets: bytes, level: int) -> None:
    verdict = records.judge(Kind.CALL, octets)
    assert (verdict.expect, verdict.level) == (Expect.REJECT, level)


def test_decode_raises_nothing_but_its_error() -> None:
    with pytest.raises(DecodeError):
        Call.decode(b"d")
    with pytest.raises(DecodeError):
        ScheduleMessage.decode(b"")


@pytest.mark.parametrize(
    ("record", "requirement"),
    [
        (ScheduleMessage("\ud800", "h"), "WIRE-5"),
        (ScheduleMessage("a\udfff", "h"), "WIRE-5"),
        (ScheduleMessage("r", "\ud800"), "WIRE-5"),
        (ScheduleMessage("r", "h\x7f"), "REC-10"),
        (ScheduleMessage("r", "h\x1f"), "REC-10"),
        (ScheduleMessage("r", "é"), "REC-10"),
        (PendingReturn("r", "h", "\udc80"), "WIRE-5"),
        (PendingReturns((PendingReturn("\ud800", "h", "t"),)), "WIRE-5"),
        (PendingReturns((), -1), "REC-9"),
        (PendingReturns((), 2**53), "WIRE-4"),
        (Call(b"", "\udfff\ud800"), "WIRE-5"),
    ],
)
def test_encode_refuses(record: Record, requirement: str) -> None:
    with pytest.raises(EncodeError) as caught:
        record.encode()
    assert caught.value.requirement == requirement


@given(some_records)
def test_json_and_back(record: Record) -> None:
    assert forms.from_json(kind_of(record), forms.to_json(record)) == record


@given(some_records)
def test_protobuf_and_back(record: Record) -> None:
    assert forms.from_message(forms.to_message(record)) == record


def test_json_of_octets() -> None:
    call = Call(b"\xff\x00", "leaf")
    json = forms.to_json(call)
    assert json == {"payload": {"hex": "ff00"}, "task_name": "leaf"}
    assert forms.from_json(Kind.CALL, json) == call
    ill_formed = {"root_id": {"hex": "61eda080"}, "call_hash": "h"}
    message = forms.from_json(Kind.SCHEDULE_MESSAGE, ill_formed)
    assert forms.to_json(message) == ill_formed
    with pytest.raises(EncodeError):
        message.encode()


@pytest.mark.parametrize(
    "json",
    [
        {"root_id": "r"},
        {"root_id": "r", "call_hash": "h", "topic": "t"},
        {"root_id": 5, "call_hash": "h"},
        {"root_id": {"octal": "7"}, "call_hash": "h"},
    ],
)
def test_json_that_is_no_record(json: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        forms.from_json(Kind.SCHEDULE_MESSAGE, json)


def test_unset_time_is_left_out() -> None:
    assert forms.to_json(PendingReturns()) == {"returns": []}
    assert forms.from_json(Kind.PENDING_RETURNS, {"returns": []}) == PendingReturns()
