"""The commands, put together."""

from typing import Annotated

import typer

from ccma_seg._version import __version__

from . import analysis, cohort, comparing, fetching, inspection, settings, studies, synthetic, viewing

app = typer.Typer(
    name="ccma-seg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing boxes would take longer than everything else that --help does
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find, measure and explain calcification of the mitral annulus on cardiac CT.",
    epilog="Example: ccma-seg run exam/ -o result/   What is found never changes the exit code.",
)

app.command("run")(analysis.run)
app.command("demo")(analysis.demo)
app.command("inspect")(inspection.inspect)
app.command("phantom")(synthetic.phantom)
app.command("config")(settings.config)
app.command("doctor")(settings.doctor)
app.command("batch")(cohort.batch)
app.command("compare")(comparing.compare)
app.command("study")(studies.study)
app.command("agreement")(studies.agreement)
app.command("fetch")(fetching.fetch)
app.command("view")(viewing.view)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ccma-seg {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None: ...
