"""What can go wrong with training's input, as errors with a remedy."""

from digitd.errors import DigitdError, ExitCode


class DataError(DigitdError):
    """The training data are missing, damaged, or cannot be fetched."""

    code = "data"
    exit_code = ExitCode.USAGE


class PresetError(DigitdError):
    """There is no network of that name."""

    code = "preset"
    exit_code = ExitCode.USAGE
