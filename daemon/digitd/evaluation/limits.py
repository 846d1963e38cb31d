"""The limits of a scan, as decoding takes them, from the settings."""

from digitd.imaging.decode import Limits
from digitd.settings import Settings


def limits_of(settings: Settings) -> Limits:
    """The limits of a scan."""
    return Limits(**settings.limits.model_dump())
