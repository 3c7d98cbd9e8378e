"""Options that several commands share, written once."""

from pathlib import Path
from typing import Annotated

import typer

Output = Annotated[Path, typer.Option("-o", "--output", help="Folder to make; it appears complete or not at all.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file with parameters; see `ccma-seg config`.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="One parameter, as step.name=value; repeatable.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result to stdout as one line of JSON.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Tell more on stderr.")]
LogFile = Annotated[Path | None, typer.Option("--log-file", help="Write a detailed log to this file.")]
