from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PublishValues(_message.Message):
    __slots__ = ("request_id", "data_points")
    class DataPointsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: bytes
        def __init__(self, key: _Optional[int] = ..., value: _Optional[bytes] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_POINTS_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    data_points: _containers.ScalarMap[int, bytes]
    def __init__(self, request_id: _Optional[int] = ..., data_points: _Optional[_Mapping[int, bytes]] = ...) -> None: ...

class ProviderMessage(_message.Message):
    __slots__ = ("publish_values_request",)
    PUBLISH_VALUES_REQUEST_FIELD_NUMBER: _ClassVar[int]
    publish_values_request: PublishValues
    def __init__(self, publish_values_request: _Optional[_Union[PublishValues, _Mapping]] = ...) -> None: ...
