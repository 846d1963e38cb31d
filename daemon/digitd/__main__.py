"""`digitd` and `python -m digitd`. Light to import: every worker process imports the program's main module."""

import sys


def main() -> None:
    """Run the command line."""
    from digitd.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
