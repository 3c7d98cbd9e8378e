"""The command line: parse, call, print; all image analysis lives in the library."""


def main() -> None:
    """Run the command line."""
    from .app import app

    app()
