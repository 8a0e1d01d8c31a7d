from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Layout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LAYOUT_UNSPECIFIED: _ClassVar[Layout]
    LIST: _ClassVar[Layout]
    DICT: _ClassVar[Layout]

class Content(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTENT_UNSPECIFIED: _ClassVar[Content]
    UTF8: _ClassVar[Content]
    ASCII: _ClassVar[Content]
    OCTETS: _ClassVar[Content]
LAYOUT_UNSPECIFIED: Layout
LIST: Layout
DICT: Layout
CONTENT_UNSPECIFIED: Content
UTF8: Content
ASCII: Content
OCTETS: Content
LAYOUT_FIELD_NUMBER: _ClassVar[int]
layout: _descriptor.FieldDescriptor
TAG_FIELD_NUMBER: _ClassVar[int]
tag: _descriptor.FieldDescriptor
FOUND_FIELD_NUMBER: _ClassVar[int]
found: _descriptor.FieldDescriptor
CONTENT_FIELD_NUMBER: _ClassVar[int]
content: _descriptor.FieldDescriptor
SET_FIELD_NUMBER: _ClassVar[int]
set: _descriptor.FieldDescriptor
OPTIONAL_KEY_FIELD_NUMBER: _ClassVar[int]
optional_key: _descriptor.FieldDescriptor
MEANING_FIELD_NUMBER: _ClassVar[int]
meaning: _descriptor.FieldDescriptor

class ScheduleMessage(_message.Message):
    __slots__ = ("root_id", "call_hash")
    ROOT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    root_id: str
    call_hash: str
    def __init__(self, root_id: _Optional[str] = ..., call_hash: _Optional[str] = ...) -> None: ...

class PendingReturn(_message.Message):
    __slots__ = ("root_id", "call_hash", "topic")
    ROOT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    root_id: str
    call_hash: str
    topic: str
    def __init__(self, root_id: _Optional[str] = ..., call_hash: _Optional[str] = ..., topic: _Optional[str] = ...) -> None: ...

class PendingReturns(_message.Message):
    __slots__ = ("returns", "scheduled_at")
    RETURNS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    returns: _containers.RepeatedCompositeFieldContainer[PendingReturn]
    scheduled_at: int
    def __init__(self, returns: _Optional[_Iterable[_Union[PendingReturn, _Mapping]]] = ..., scheduled_at: _Optional[int] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("payload", "task_name")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    task_name: str
    def __init__(self, payload: _Optional[bytes] = ..., task_name: _Optional[str] = ...) -> None: ...
