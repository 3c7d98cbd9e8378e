"""The command line: parse, call, print; all image analysis lives in the library."""

from ccma_seg import interpreter


def main() -> None:
    """Run the command line."""
    interpreter.set_up()
    from .app import app

    app()
