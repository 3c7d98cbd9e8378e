"""How sure figures are."""

from dataclasses import replace

from ccma_seg.lesion import Core, Measurements, Rim
from ccma_seg.lesion.uncertainty import half_widths
from shell_phantom import Shell, make_shell

MEASURED = Measurements(
    centroid_mm=(0.0, 0.0, 0.0),
    long_axis_mm=30.0,
    short_axis_mm=24.0,
    third_axis_mm=22.0,
    volume_mm3=8000.0,
    rim=Rim(coverage_pct=90.0, thickness_mm=2.0, mean_hu=1000.0),
    core=Core(mean_hu=60.0, sd_hu=20.0, volume_mm3=3000.0),
)
SCENE = make_shell(Shell(axes_mm=(8.0, 8.0, 8.0)))


def widths(measured=MEASURED, *, slice_mm=0.5):
    geometry = replace(SCENE.volume.geometry, spacing_mm=(slice_mm, 0.45, 0.45))
    acquisition = replace(SCENE.volume.acquisition, slice_thickness_mm=slice_mm)
    return half_widths(replace(SCENE.volume, geometry=geometry, acquisition=acquisition), SCENE.anatomy, measured)


def test_every_width_belongs_to_a_figure_that_was_measured():
    assert {"long_axis_mm", "volume_mm3", "rim.coverage_pct", "core.mean_hu"} <= widths().keys()
    assert "cavity.neck_mm" not in widths()
    assert all(value > 0 for value in widths().values())


def test_thick_slices_make_everything_less_sure():
    thin, thick = widths(), widths(slice_mm=3.0)
    assert all(thick[key] > thin[key] for key in ("long_axis_mm", "volume_mm3", "rim.thickness_mm", "core.mean_hu"))


def test_an_open_rim_makes_sizes_less_sure():
    patchy = replace(MEASURED, rim=replace(MEASURED.rim, coverage_pct=50.0))
    assert widths(patchy)["volume_mm3"] > widths()["volume_mm3"]


def test_without_a_size_nothing_is_stated():
    assert widths(replace(MEASURED, third_axis_mm=None)) == {}
