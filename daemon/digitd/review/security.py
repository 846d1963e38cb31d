"""Who may ask for what: a host that is ours, a page that is ours, a token. Pure.

The page is on a port of this machine, which every program and every web page that its user has open can reach. A page
elsewhere that has its own name point here (DNS rebinding) sends that name as Host; one that sends a form here (CSRF)
sends its own Origin; neither knows the token.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

TOKEN_BYTES = 24
OUR_SITES = frozenset({"same-origin", "none"})
"""What a browser says in Sec-Fetch-Site of a request by a page of ours, or by the person who typed the address."""
READING = frozenset({"GET", "HEAD"})

HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer, refusals too: nothing from elsewhere, no script or style within a page, in nobody's frame."""


class Access(StrEnum):
    """What a token allows."""

    REVIEW = "review"
    LOOK = "look"


class Refusal(StrEnum):
    """Why a request is refused."""

    HOST = "host"
    ORIGIN = "origin"
    TOKEN = "token"
    LOOK_ONLY = "look_only"


def new_token() -> str:
    """One that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class Tokens:
    """Secrets: whoever has the first may verify, whoever has the second may look."""

    review: str
    look: str

    @classmethod
    def of(cls, token: str) -> "Tokens":
        """The second is made of the first, which cannot be told from it."""
        return cls(token, hmac.new(token.encode(), b"look", hashlib.sha256).hexdigest()[: TOKEN_BYTES * 4 // 3])

    def access(self, token: str | None) -> Access | None:
        """What a token allows; None: nothing. It takes as long whatever is wrong with it."""
        given = (token or "").encode()
        review = hmac.compare_digest(given, self.review.encode())
        look = hmac.compare_digest(given, self.look.encode())
        return Access.REVIEW if review else Access.LOOK if look else None


@dataclass(frozen=True)
class Asked:
    """What a request says of itself: its method, its headers (names in lower case), and the token that came with it."""

    method: str
    headers: Mapping[str, str]
    token: str | None


def name_of(host: str) -> str | None:
    """The name or address in a Host header, without port and brackets; None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        # A port that is no number raises.
        _ = parts.port
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname


def is_ours(host: str, listening: str) -> bool:
    """Whether a Host header names where we listen: `localhost`, a loopback address, or the configured one.

    Where that is all addresses (0.0.0.0), any address is ours, and no name but localhost: rebinding needs names.
    The port does not count: a tunnel (ssh -L) may have another one.
    """
    name = name_of(host)
    if name is None:
        return False
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    configured = ipaddress.ip_address(listening)
    return address.is_loopback or address == configured or configured.is_unspecified


def stranger(asked: Asked, listening: str) -> Refusal | None:
    """Why a request comes from where nobody of ours is; None: it may go on."""
    host = asked.headers.get("host", "")
    if not is_ours(host, listening):
        return Refusal.HOST
    return None if _is_from_us(asked, host) else Refusal.ORIGIN


def unauthorised(asked: Asked, access: Access | None) -> Refusal | None:
    """Why what a token allows, ACCESS, is not enough; None: it is."""
    if access is None:
        return Refusal.TOKEN
    if asked.method not in READING and access is not Access.REVIEW:
        return Refusal.LOOK_ONLY
    return None


def _is_from_us(asked: Asked, host: str) -> bool:
    """Whether a page of ours asks, or, to read, a person who followed a link to a whole page."""
    origin, site = asked.headers.get("origin"), asked.headers.get("sec-fetch-site")
    if origin is not None:
        return origin == f"http://{host}"
    if asked.method not in READING:
        # Every browser of today sends one of the two with what changes something.
        return site == "same-origin"
    return site is None or site in OUR_SITES or asked.headers.get("sec-fetch-mode") == "navigate"
