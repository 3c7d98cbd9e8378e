"""`run` and `demo`: one exam from input to report."""

import json
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exits import speaks_plainly
from .options import ConfigFile, Force, Json, LogFile, Output, Settings, Verbose
from .progress import Steps, set_up_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccma_seg.config import Config
    from ccma_seg.pipeline import Analysis
    from ccma_seg.volume import Volume

_READ, _KNOWN = "Which series", "What is known already"


@speaks_plainly
def run(
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="DICOM folder (nested, mixed, any names), file or zip; NIfTI or NRRD."),
    ],
    output: Output,
    config: ConfigFile = None,
    settings: Settings = None,
    series_uid: Annotated[
        str | None, typer.Option("--series-uid", help="Analyse this series.", rich_help_panel=_READ)
    ] = None,
    phase: Annotated[
        float | None, typer.Option("--phase", help="Cardiac phase in percent of RR.", rich_help_panel=_READ)
    ] = None,
    phases: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="INPUT",
            help="A second phase of the same exam; again for further ones.",
            rich_help_panel=_KNOWN,
        ),
    ] = None,
    annulus: Annotated[
        Path | None, typer.Option("--annulus", help="Slicer .mrk.json, ours, or a label map.", rich_help_panel=_KNOWN)
    ] = None,
    chambers: Annotated[
        Path | None, typer.Option("--chambers", help="Label map or folder of masks.", rich_help_panel=_KNOWN)
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="MAP",
            help="What their labels mean: mmwhs, totalsegmentator_v1, ..., or a TOML file of name = label.",
            rich_help_panel=_KNOWN,
        ),
    ] = None,
    allow_missing_slices: Annotated[
        bool, typer.Option("--allow-missing-slices", help="Interpolate gaps.", rich_help_panel=_READ)
    ] = False,
    allow_gantry_tilt: Annotated[
        bool, typer.Option("--allow-gantry-tilt", help="Resample tilted slices.", rich_help_panel=_READ)
    ] = False,
    write_annulus: Annotated[
        Path | None,
        typer.Option(
            "--write-annulus", metavar="FILE", help="Write the annulus as Slicer .mrk.json, to move it there."
        ),
    ] = None,
    meshes: Annotated[bool, typer.Option("--meshes", help="Write rim and core as STL and GLB too.")] = False,
    force: Force = False,
    as_json: Json = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
) -> None:
    """Analyse one exam.

    Writes report.html to look at, report.json, lesions.csv, labels.nii.gz and overview.png; DICOM SEG and SR too.

    Examples:

      ccma-seg run exam/ -o result/

      ccma-seg run exam.zip -o result/ --phase 75 --set rules.criteria.thick.limit=10

      ccma-seg run cta/ --with calcium_score/ -o result/

      ccma-seg run exam/ -o result/ --write-annulus annulus.mrk.json

      ccma-seg run exam/ -o again/ --annulus annulus.mrk.json
    """
    set_up_logging(verbose=verbose, log_file=log_file)
    from ccma_seg.report import check_output
    from ccma_seg.series import read_series

    check_output(output, force=force)
    check_file(write_annulus, force=force)
    parameters = read_config(config, [*(settings or []), *(["output.meshes=true"] if meshes else [])])
    steps = Steps(4 if phases else 3)
    read = partial(
        read_series,
        source,
        phase=phase,
        allow_missing_slices=allow_missing_slices,
        allow_gantry_tilt=allow_gantry_tilt,
        params=parameters.read,
    )
    with steps.step("reading"):
        volume = read(series_uid=series_uid)
    known = _known(annulus, chambers, volume, labels=labels)
    if phases:
        with steps.step("reading the second phase" if len(phases) == 1 else f"reading {len(phases)} further phases"):
            known["second_phase"] = further_phases(phases, volume, parameters)
    analyse = partial(
        _analyse, config=parameters, output=output, known=known, steps=steps, force=force, as_json=as_json
    )
    result = analyse(volume) if series_uid or known else _first_with_heart(volume, analyse, read)
    if write_annulus is not None:
        _write_annulus(result, write_annulus)


@speaks_plainly
def demo(
    output: Output = Path("demo-result"),
    recipe: Annotated[str, typer.Option("--recipe", help="Which phantom.")] = "demo",
    force: Force = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Build a phantom and analyse it; needs no input.

    Example:

      ccma-seg demo -o demo-result
    """
    set_up_logging(verbose=verbose, log_file=None)
    from ccma_seg.phantom import make_phantom, write_phantom
    from ccma_seg.report import check_output
    from ccma_seg.series import read_series

    check_output(output, force=force)
    steps = Steps(4)
    with tempfile.TemporaryDirectory() as scratch:
        with steps.step(f"building the phantom {recipe!r}"):
            write_phantom(make_phantom(recipe, seed=1), Path(scratch) / "phantom")
        with steps.step("reading it as DICOM"):
            volume = read_series(Path(scratch) / "phantom" / "dicom")
    _analyse(volume, read_config(None, None), output, known={}, steps=steps, force=force, as_json=as_json)


def _first_with_heart(
    volume: "Volume", analyse: "Callable[[Volume], Analysis]", read: "Callable[..., Volume]"
) -> "Analysis":
    """Analyse the best suited series, or, while none shows a heart, the next best; else say why the first has none."""
    from ccma_seg.errors import CcmaError, NoHeartError
    from ccma_seg.reasons import Reason

    tried: list[str] = []
    refused: NoHeartError | None = None
    while True:
        try:
            return analyse(volume)
        except NoHeartError as error:
            refused = refused or error
        tried.append(volume.acquisition.series_uid)
        try:
            volume = read(other_than=frozenset(tried))
        except CcmaError:
            raise refused from None
        if volume.acquisition.series_uid in tried:
            raise refused
        text = f"{len(tried)} series that suited better show no heart: {refused}"
        volume = replace(volume, reasons=(*volume.reasons, Reason("better_series_no_heart", text)))


def read_config(path: Path | None, settings: list[str] | None) -> "Config":
    """Put defaults, file and single settings together, the later winning."""
    from ccma_seg.config import Config

    config = Config() if path is None else Config.from_toml(path)
    for setting in settings or []:
        config = config.with_setting(setting)
    return config


def further_phases(paths: list[Path], first: "Volume", config: "Config") -> "list[Volume]":
    """Read further phases, of each place a series that was not read before."""
    from ccma_seg.series import read_series

    read: list[Volume] = []
    for path in paths:
        uids = {volume.acquisition.series_uid for volume in (first, *read)}
        read.append(read_series(path, other_than=uids, params=config.read))
    return read


def _known(annulus: Path | None, chambers: Path | None, volume: "Volume", *, labels: str | None) -> dict[str, Any]:
    """Read what the user already knows of the anatomy."""
    from ccma_seg import anatomy
    from ccma_seg.errors import ConfigError

    if labels is not None and annulus is None and chambers is None:
        raise ConfigError("--labels says what labels mean: give a label map too, with --chambers or --annulus")
    known: dict[str, Any] = {}
    if annulus is not None:
        known["annulus"] = anatomy.read_annulus(annulus, labels=labels)
    if chambers is not None:
        known["chambers"] = anatomy.read_chambers(chambers, volume.geometry, labels=labels)
    return known


def _analyse(
    volume: "Volume",
    config: "Config",
    output: Path,
    *,
    known: dict[str, Any],
    steps: Steps,
    force: bool,
    as_json: bool,
) -> "Analysis":
    from ccma_seg.pipeline import analyze
    from ccma_seg.report import objects_apart, write_results

    with objects_apart(volume, config) as objects:
        with steps.step("analysing"):
            result = analyze(volume, config, **known)
        with steps.step("writing"):
            write_results(result, output, force=force, objects=objects)
    _tell(result, output, as_json=as_json)
    return result


def check_file(path: Path | None, *, force: bool) -> None:
    """Refuse a file that may not be written, before any work is done."""
    from ccma_seg.errors import OutputError

    if path is None or not path.exists():
        return
    if path.is_dir():
        raise OutputError(f"the annulus needs a file to be written to, {path.name} is a folder")
    if not force:
        raise OutputError(f"the file {path.name} exists already; give another name, or --force to replace it")


def _write_annulus(result: "Analysis", path: Path) -> None:
    from ccma_seg import anatomy

    found = result.anatomy
    if found.annulus is None:
        typer.echo(f"ccma-seg: the annulus was not found, so {path.name} is not written", err=True)
        return
    anatomy.write_annulus(found.annulus, path, apex_mm=found.apex_mm)


def _tell(result: "Analysis", output: Path, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(json.loads((output / "report.json").read_text("utf-8"))))
        return
    typer.echo(f"verdict  {result.verdict}")
    typer.echo(f"status   {result.status}")
    typer.echo(f"finding  {result.explanation}")
    for reason in result.reasons:
        typer.echo(f"note     {reason.text} ({reason.code})")
    name = "report.json" if result.config.output.quick else "report.html"
    typer.echo(f"report   {output / name}")
