"""What crosses between the page's server and its painter: orders one way, pictures the other."""

from msgspec import Struct, msgpack

HEAD = 4
"""Bytes before each message that say how long it is, the highest first."""
ORDER_MOST, ANSWER_MOST = 64 << 10, 48 << 20
"""Bytes of a message: an order is a path and a few words; no picture of 25 million gray pixels is longer than that."""


class Bounds(Struct, frozen=True, array_like=True):
    """What one scan may cost: the first message to the painter."""

    bytes: int
    pixels: int
    pages: int


class Order(Struct, frozen=True, array_like=True):
    """A picture that is wanted: PATH (os.fsencode'd) has SIZE bytes, PAGE counts from 1, VIEW as imaging.rendered."""

    path: bytes
    size: int
    page: int
    view: str


class Picture(Struct, frozen=True, array_like=True, tag=True):
    """A picture that was made anew."""

    media: str
    data: bytes


class Unpainted(Struct, frozen=True, array_like=True, tag=True):
    """Why there is no picture: a reason's code, the cause, and what helps."""

    code: str
    cause: str
    remedy: str


class Ready(Struct, frozen=True, array_like=True, tag=True):
    """The painter is in its box; UNBOXED as pool.messages.Hello."""

    unboxed: str | None = None


Answer = Picture | Unpainted | Ready

encode = msgpack.Encoder().encode
bounds_of = msgpack.Decoder(Bounds).decode
order_of = msgpack.Decoder(Order).decode
_answers: msgpack.Decoder[Answer] = msgpack.Decoder(Answer)
answer_of = _answers.decode


def framed(message: Struct) -> bytes:
    """A message with its length before it."""
    data = encode(message)
    return len(data).to_bytes(HEAD, "big") + data
