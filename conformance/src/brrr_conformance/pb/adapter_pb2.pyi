from brrr_conformance.pb import records_pb2 as _records_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORD_TYPE_UNSPECIFIED: _ClassVar[RecordType]
    SCHEDULE_MESSAGE: _ClassVar[RecordType]
    PENDING_RETURN: _ClassVar[RecordType]
    PENDING_RETURNS: _ClassVar[RecordType]
    CALL: _ClassVar[RecordType]
    VALUE: _ClassVar[RecordType]

class OnProblem(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP: _ClassVar[OnProblem]
    GO_ON: _ClassVar[OnProblem]
    DEAD_LETTER: _ClassVar[OnProblem]

class Code(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CODE_UNSPECIFIED: _ClassVar[Code]
    NOT_IMPLEMENTED: _ClassVar[Code]
    REFUSED: _ClassVar[Code]
    SPAWN_LIMIT: _ClassVar[Code]
    CAS_EXHAUSTED: _ClassVar[Code]
    CALL_MISSING: _ClassVar[Code]
    HANDLER_FAILED: _ClassVar[Code]
    BACKEND: _ClassVar[Code]
    MISUSE: _ClassVar[Code]
    UNEXPECTED: _ClassVar[Code]
RECORD_TYPE_UNSPECIFIED: RecordType
SCHEDULE_MESSAGE: RecordType
PENDING_RETURN: RecordType
PENDING_RETURNS: RecordType
CALL: RecordType
VALUE: RecordType
STOP: OnProblem
GO_ON: OnProblem
DEAD_LETTER: OnProblem
CODE_UNSPECIFIED: Code
NOT_IMPLEMENTED: Code
REFUSED: Code
SPAWN_LIMIT: Code
CAS_EXHAUSTED: Code
CALL_MISSING: Code
HANDLER_FAILED: Code
BACKEND: Code
MISUSE: Code
UNEXPECTED: Code

class Command(_message.Message):
    __slots__ = ("id", "hello", "encode", "decode", "open", "schedule", "read", "serve", "close", "encode_call", "encode_value", "schedule_task", "read_task", "serve_tasks", "answer")
    ID_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ENCODE_FIELD_NUMBER: _ClassVar[int]
    DECODE_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    SERVE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    ENCODE_CALL_FIELD_NUMBER: _ClassVar[int]
    ENCODE_VALUE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_TASK_FIELD_NUMBER: _ClassVar[int]
    READ_TASK_FIELD_NUMBER: _ClassVar[int]
    SERVE_TASKS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    id: int
    hello: Hello
    encode: Encode
    decode: Decode
    open: Open
    schedule: Schedule
    read: Read
    serve: Serve
    close: Close
    encode_call: EncodeCall
    encode_value: EncodeValue
    schedule_task: ScheduleTask
    read_task: ReadTask
    serve_tasks: Serve
    answer: Answer
    def __init__(self, id: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., encode: _Optional[_Union[Encode, _Mapping]] = ..., decode: _Optional[_Union[Decode, _Mapping]] = ..., open: _Optional[_Union[Open, _Mapping]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., read: _Optional[_Union[Read, _Mapping]] = ..., serve: _Optional[_Union[Serve, _Mapping]] = ..., close: _Optional[_Union[Close, _Mapping]] = ..., encode_call: _Optional[_Union[EncodeCall, _Mapping]] = ..., encode_value: _Optional[_Union[EncodeValue, _Mapping]] = ..., schedule_task: _Optional[_Union[ScheduleTask, _Mapping]] = ..., read_task: _Optional[_Union[ReadTask, _Mapping]] = ..., serve_tasks: _Optional[_Union[Serve, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol",)
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    def __init__(self, protocol: _Optional[int] = ...) -> None: ...

class Encode(_message.Message):
    __slots__ = ("schedule_message", "pending_return", "pending_returns", "call", "ill_formed")
    SCHEDULE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PENDING_RETURN_FIELD_NUMBER: _ClassVar[int]
    PENDING_RETURNS_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    ILL_FORMED_FIELD_NUMBER: _ClassVar[int]
    schedule_message: _records_pb2.ScheduleMessage
    pending_return: _records_pb2.PendingReturn
    pending_returns: _records_pb2.PendingReturns
    call: _records_pb2.Call
    ill_formed: _containers.RepeatedCompositeFieldContainer[IllFormed]
    def __init__(self, schedule_message: _Optional[_Union[_records_pb2.ScheduleMessage, _Mapping]] = ..., pending_return: _Optional[_Union[_records_pb2.PendingReturn, _Mapping]] = ..., pending_returns: _Optional[_Union[_records_pb2.PendingReturns, _Mapping]] = ..., call: _Optional[_Union[_records_pb2.Call, _Mapping]] = ..., ill_formed: _Optional[_Iterable[_Union[IllFormed, _Mapping]]] = ...) -> None: ...

class IllFormed(_message.Message):
    __slots__ = ("field", "octets")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    field: str
    octets: bytes
    def __init__(self, field: _Optional[str] = ..., octets: _Optional[bytes] = ...) -> None: ...

class Decode(_message.Message):
    __slots__ = ("type", "octets")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    type: RecordType
    octets: bytes
    def __init__(self, type: _Optional[_Union[RecordType, str]] = ..., octets: _Optional[bytes] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("redis_url", "dynamodb", "durable", "dead_after_ms")
    REDIS_URL_FIELD_NUMBER: _ClassVar[int]
    DYNAMODB_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    DEAD_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    redis_url: str
    dynamodb: DynamoDb
    durable: bool
    dead_after_ms: int
    def __init__(self, redis_url: _Optional[str] = ..., dynamodb: _Optional[_Union[DynamoDb, _Mapping]] = ..., durable: _Optional[bool] = ..., dead_after_ms: _Optional[int] = ...) -> None: ...

class DynamoDb(_message.Message):
    __slots__ = ("endpoint", "region", "table", "access_key_id", "secret_access_key")
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
    endpoint: str
    region: str
    table: str
    access_key_id: str
    secret_access_key: str
    def __init__(self, endpoint: _Optional[str] = ..., region: _Optional[str] = ..., table: _Optional[str] = ..., access_key_id: _Optional[str] = ..., secret_access_key: _Optional[str] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("ask",)
    ASK_FIELD_NUMBER: _ClassVar[int]
    ask: Ask
    def __init__(self, ask: _Optional[_Union[Ask, _Mapping]] = ...) -> None: ...

class Ask(_message.Message):
    __slots__ = ("call_hash", "task_name", "payload", "topic")
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    call_hash: str
    task_name: str
    payload: bytes
    topic: str
    def __init__(self, call_hash: _Optional[str] = ..., task_name: _Optional[str] = ..., payload: _Optional[bytes] = ..., topic: _Optional[str] = ...) -> None: ...

class Read(_message.Message):
    __slots__ = ("call_hash",)
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    call_hash: str
    def __init__(self, call_hash: _Optional[str] = ...) -> None: ...

class Serve(_message.Message):
    __slots__ = ("topic", "on_problem", "concurrency")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    ON_PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    topic: str
    on_problem: OnProblem
    concurrency: int
    def __init__(self, topic: _Optional[str] = ..., on_problem: _Optional[_Union[OnProblem, str]] = ..., concurrency: _Optional[int] = ...) -> None: ...

class ScheduleTask(_message.Message):
    __slots__ = ("topic", "task_name", "args")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    topic: str
    task_name: str
    args: bytes
    def __init__(self, topic: _Optional[str] = ..., task_name: _Optional[str] = ..., args: _Optional[bytes] = ...) -> None: ...

class ReadTask(_message.Message):
    __slots__ = ("task_name", "args")
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    task_name: str
    args: bytes
    def __init__(self, task_name: _Optional[str] = ..., args: _Optional[bytes] = ...) -> None: ...

class Close(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EncodeCall(_message.Message):
    __slots__ = ("task_name", "args")
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    ARGS_FIELD_NUMBER: _ClassVar[int]
    task_name: str
    args: Json
    def __init__(self, task_name: _Optional[str] = ..., args: _Optional[_Union[Json, _Mapping]] = ...) -> None: ...

class EncodeValue(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: Json
    def __init__(self, json: _Optional[_Union[Json, _Mapping]] = ...) -> None: ...

class Json(_message.Message):
    __slots__ = ("text", "double", "integer", "string")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    STRING_FIELD_NUMBER: _ClassVar[int]
    text: bytes
    double: bytes
    integer: str
    string: bytes
    def __init__(self, text: _Optional[bytes] = ..., double: _Optional[bytes] = ..., integer: _Optional[str] = ..., string: _Optional[bytes] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("invocation", "response", "defer", "fail")
    INVOCATION_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    DEFER_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    invocation: int
    response: Response
    defer: Defer
    fail: str
    def __init__(self, invocation: _Optional[int] = ..., response: _Optional[_Union[Response, _Mapping]] = ..., defer: _Optional[_Union[Defer, _Mapping]] = ..., fail: _Optional[str] = ...) -> None: ...

class Response(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: bytes
    def __init__(self, value: _Optional[bytes] = ...) -> None: ...

class Defer(_message.Message):
    __slots__ = ("children",)
    CHILDREN_FIELD_NUMBER: _ClassVar[int]
    children: _containers.RepeatedCompositeFieldContainer[Ask]
    def __init__(self, children: _Optional[_Iterable[_Union[Ask, _Mapping]]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("id", "welcome", "encoded", "decoded", "done", "found", "invocation", "problem", "failure", "encoded_call")
    ID_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    DECODED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    INVOCATION_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ENCODED_CALL_FIELD_NUMBER: _ClassVar[int]
    id: int
    welcome: Welcome
    encoded: Encoded
    decoded: Decoded
    done: Done
    found: Found
    invocation: Invocation
    problem: Failure
    failure: Failure
    encoded_call: EncodedCall
    def __init__(self, id: _Optional[int] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., encoded: _Optional[_Union[Encoded, _Mapping]] = ..., decoded: _Optional[_Union[Decoded, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., found: _Optional[_Union[Found, _Mapping]] = ..., invocation: _Optional[_Union[Invocation, _Mapping]] = ..., problem: _Optional[_Union[Failure, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., encoded_call: _Optional[_Union[EncodedCall, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol", "sdk", "version", "language", "lone_surrogates")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    LONE_SURROGATES_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    sdk: str
    version: str
    language: str
    lone_surrogates: bool
    def __init__(self, protocol: _Optional[int] = ..., sdk: _Optional[str] = ..., version: _Optional[str] = ..., language: _Optional[str] = ..., lone_surrogates: _Optional[bool] = ...) -> None: ...

class Encoded(_message.Message):
    __slots__ = ("octets",)
    OCTETS_FIELD_NUMBER: _ClassVar[int]
    octets: bytes
    def __init__(self, octets: _Optional[bytes] = ...) -> None: ...

class EncodedCall(_message.Message):
    __slots__ = ("payload", "call_hash")
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    call_hash: str
    def __init__(self, payload: _Optional[bytes] = ..., call_hash: _Optional[str] = ...) -> None: ...

class Decoded(_message.Message):
    __slots__ = ("schedule_message", "pending_return", "pending_returns", "call", "reencoded")
    SCHEDULE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PENDING_RETURN_FIELD_NUMBER: _ClassVar[int]
    PENDING_RETURNS_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    REENCODED_FIELD_NUMBER: _ClassVar[int]
    schedule_message: _records_pb2.ScheduleMessage
    pending_return: _records_pb2.PendingReturn
    pending_returns: _records_pb2.PendingReturns
    call: _records_pb2.Call
    reencoded: bytes
    def __init__(self, schedule_message: _Optional[_Union[_records_pb2.ScheduleMessage, _Mapping]] = ..., pending_return: _Optional[_Union[_records_pb2.PendingReturn, _Mapping]] = ..., pending_returns: _Optional[_Union[_records_pb2.PendingReturns, _Mapping]] = ..., call: _Optional[_Union[_records_pb2.Call, _Mapping]] = ..., reencoded: _Optional[bytes] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Found(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: bytes
    def __init__(self, value: _Optional[bytes] = ...) -> None: ...

class Invocation(_message.Message):
    __slots__ = ("invocation", "topic", "call_hash", "task_name", "payload")
    INVOCATION_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    CALL_HASH_FIELD_NUMBER: _ClassVar[int]
    TASK_NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    invocation: int
    topic: str
    call_hash: str
    task_name: str
    payload: bytes
    def __init__(self, invocation: _Optional[int] = ..., topic: _Optional[str] = ..., call_hash: _Optional[str] = ..., task_name: _Optional[str] = ..., payload: _Optional[bytes] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "reason", "offset", "requirement", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    REQUIREMENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: Code
    reason: str
    offset: int
    requirement: str
    message: bytes
    def __init__(self, code: _Optional[_Union[Code, str]] = ..., reason: _Optional[str] = ..., offset: _Optional[int] = ..., requirement: _Optional[str] = ..., message: _Optional[bytes] = ...) -> None: ...
