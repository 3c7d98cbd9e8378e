"""`config` and `doctor`: what would be used, and whether it is all there."""

import json
import platform

import typer

from ccma_seg._version import __version__

from .analysis import read_config
from .exits import speaks_plainly
from .options import ConfigFile, Json, Settings

_LIBRARIES = ("numpy", "scipy", "scikit-image", "SimpleITK", "pydicom", "nibabel", "matplotlib", "typer")


@speaks_plainly
def config(config_file: ConfigFile = None, settings: Settings = None) -> None:
    """Print the configuration, commented, with sources.

    Save the TOML, edit it, and pass it with --config.

    Example:

      ccma-seg config > my.toml
    """
    typer.echo(read_config(config_file, settings).to_toml(), nl=False)


@speaks_plainly
def doctor(as_json: Json = False) -> None:
    """Show versions, and which DICOM can be decoded."""
    from ccma_seg.series import decoders

    facts = {
        "ccma-seg": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        **{name: _version(name) for name in _LIBRARIES},
        **{f"decodes {name}": ", ".join(plugins) or None for name, plugins in decoders().items()},
    }
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<48} {value or 'missing'}")


def _version(name: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
