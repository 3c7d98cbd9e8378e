"""Label maps of others as chambers and as annulus: what their labels mean, and the ring from them."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from ccma_seg.anatomy import BLOOD_POOL_LA, BLOOD_POOL_LV, locate, read_annulus, read_chambers
from ccma_seg.anatomy.chambers import AORTA, aortic_normal
from ccma_seg.anatomy.contour import angle_deg, measure_contour
from ccma_seg.anatomy.label_names import map_names
from ccma_seg.cli.app import app
from ccma_seg.errors import ConfigError, CorruptInputError, InputPathError
from ccma_seg.geometry import Geometry
from ccma_seg.phantom import ScannerSpec, make_phantom, read_recipe
from ccma_seg.phantom.spec import Orifice
from ccma_seg.series import write_series
from ccma_seg.volume import LabelMap

RUNNER = CliRunner()
SCAN = ScannerSpec(
    matrix=160, field_of_view_mm=160.0, slices=130, slice_spacing_mm=1.0, slice_thickness_mm=1.0, noise_sd_hu=10.0
)
AREAS = ("saddle_area_mm2", "d_shape_area_mm2", "saddle_perimeter_mm", "d_shape_perimeter_mm", "saddle_perimeter_3d_mm")
LENGTHS = ("saddle_septal_lateral_mm", "d_shape_septal_lateral_mm", "intercommissural_mm", "height_mm")


def heart(septal_lateral_mm=34.0, intercommissural_mm=42.0, height_mm=7.0):
    recipe = read_recipe("normal")
    ring = replace(
        recipe.anatomy.annulus,
        septal_lateral_mm=septal_lateral_mm,
        intercommissural_mm=intercommissural_mm,
        saddle_height_mm=height_mm,
    )
    anatomy = replace(recipe.anatomy, annulus=ring, orifice=Orifice.RING, variation=0.0)
    return make_phantom(replace(recipe, scanner=SCAN, anatomy=anatomy))


@pytest.fixture(scope="module")
def phantom():
    return heart()


@pytest.fixture(scope="module")
def parts(phantom):
    return phantom.parts()


def write(path, values, geometry):
    """Write labels of any size as NIfTI (x, y, z; RAS)."""
    lps_to_ras = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine = lps_to_ras @ geometry.affine[:, [2, 1, 0, 3]]
    image = nib.Nifti1Image(np.ascontiguousarray(values.T).astype(np.int16), affine)
    nib.save(image, path)
    return path


def written(path, parts, *, ventricle, atrium):
    values = np.zeros(parts.labels.shape, np.int16)
    values[parts.labels == BLOOD_POOL_LV], values[parts.labels == BLOOD_POOL_LA] = ventricle, atrium
    return write(path, values, parts.geometry)


def holds_both(chambers, parts):
    for label in (BLOOD_POOL_LV, BLOOD_POOL_LA):
        assert (chambers.labels == label).sum() == pytest.approx((parts.labels == label).sum(), rel=0.02)


@pytest.mark.parametrize(
    ("ventricle", "atrium"),
    [(500, 420), (500, 421), (46, 45), (3, 2)],
    ids=["mmwhs", "mmwhs 421", "total 1.x", "highres"],
)
def test_labels_of_others_are_known_by_their_values(tmp_path, phantom, parts, ventricle, atrium):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=ventricle, atrium=atrium)
    holds_both(read_chambers(path, phantom.volume.geometry), parts)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.toml", "left_ventricle = 12\nLA = [11]\n"),
        ("map.json", '{"heart_ventricle_left": 12, "Left Atrium": 11}'),
        ("map.json", '{"12": "lv", "11": "la", "0": "background"}'),
    ],
)
def test_any_labels_are_read_by_a_map_of_the_user(tmp_path, phantom, parts, name, text):
    (tmp_path / name).write_text(text)
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=12, atrium=11)
    holds_both(read_chambers(path, phantom.volume.geometry, labels=tmp_path / name), parts)


def test_a_map_can_be_named(tmp_path, phantom, parts):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=500, atrium=420)
    holds_both(read_chambers(path, phantom.volume.geometry, labels="mmwhs"), parts)
    with pytest.raises(ConfigError, match="its labels: 420, 500"):
        read_chambers(path, phantom.volume.geometry, labels="heartchambers_highres")


@pytest.mark.parametrize(
    ("ventricle", "atrium"), [("heart_ventricle_left", "heart_atrium_left"), ("LV", "LA"), ("lv", "left_atrium")]
)
def test_a_folder_of_masks_is_read_by_any_usual_name(tmp_path, phantom, parts, ventricle, atrium):
    for name, label in ((ventricle.lower(), BLOOD_POOL_LV), (atrium.lower(), BLOOD_POOL_LA)):
        write(tmp_path / f"{name}.nii.gz", parts.labels == label, parts.geometry)
    holds_both(read_chambers(tmp_path, phantom.volume.geometry), parts)


def test_the_heart_as_a_whole_is_told_from_its_chambers(tmp_path, phantom, parts):
    path = written(tmp_path / "total.nii.gz", parts, ventricle=51, atrium=51)
    with pytest.raises(ConfigError, match="heartchambers_highres"):
        read_chambers(path, phantom.volume.geometry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("left_ventricle = 'three'", "must map names"),
        ("left_ventricle = -3", "must map names"),
        ("= 3", "must map names"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path, phantom, parts, text, message):
    (tmp_path / "map.toml").write_text(text)
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=12, atrium=11)
    with pytest.raises(ConfigError, match=message):
        read_chambers(path, phantom.volume.geometry, labels=tmp_path / "map.toml")


def test_a_map_that_is_not_there_is_said_so_with_those_that_are(tmp_path, phantom, parts):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=12, atrium=11)
    with pytest.raises(InputPathError, match="mmwhs") as error:
        read_chambers(path, phantom.volume.geometry, labels="mmwsh")
    assert all(name in str(error.value) for name in map_names())


@pytest.mark.parametrize("ring", [(24.0, 31.0, 4.0), (34.0, 42.0, 7.0), (42.0, 50.0, 11.0)])
def test_the_ring_between_given_chambers_has_the_sizes_of_the_phantom(ring):
    phantom = heart(*ring)
    found = locate(phantom.volume, chambers=phantom.parts())
    assert found.contour is not None
    told, true = found.contour.sizes, phantom.truth["annulus"]["contour"]
    for name in AREAS:
        assert getattr(told, name) == pytest.approx(true[name], rel=0.04), name
    for name in LENGTHS:
        assert getattr(told, name) == pytest.approx(true[name], abs=1.5), name
    assert angle_deg(np.array(told.normal), np.array(true["normal"])) < 3


def test_the_angle_to_the_aortic_annulus_is_that_of_the_given_chambers():
    grid = Geometry(shape=(90, 90, 90), spacing_mm=(1.0, 1.0, 1.0), origin_mm=(-45.0, -45.0, -45.0))
    x, y, z = np.moveaxis(grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
    lean = np.radians(30)
    along = np.array([np.sin(lean), 0.0, np.cos(lean)])
    depth = along[0] * x + along[2] * z
    across = np.sqrt(np.maximum(x * x + y * y + z * z - depth * depth, 0))
    labels = np.where(across < 12, np.where(depth > 0, AORTA, BLOOD_POOL_LV), 0).astype(np.uint8)
    normal = aortic_normal(LabelMap(labels=labels, geometry=grid))
    assert normal is not None
    assert angle_deg(np.array(normal), along) < 3
    assert aortic_normal(LabelMap(labels=labels * (labels != AORTA), geometry=grid)) is None


def swept(phantom, inner, *, depth_mm=0.0, half_mm=1.2):
    """Which voxels lie within a sheet from the ring inwards, to a share of its radius, hanging towards the apex."""
    grid = phantom.volume.geometry
    annulus = phantom.annulus
    mask = np.zeros(grid.shape, bool)
    local = annulus.to_frame(annulus.curve_mm)
    if inner < 1:
        local *= (*[1 - half_mm / np.hypot(local[:, 0], local[:, 1]).mean()] * 2, 1)  # it ends at the ring
    for share in np.linspace(1.0, inner, 60):
        hang = depth_mm * (1 - share) / max(1 - inner, 1e-9)
        line = local * (share, share, 1) + np.array([0, 0, hang])
        for index in grid.to_index(annulus.to_patient(line)):
            z, y, x = (
                slice(max(round(i - half_mm / s), 0), round(i + half_mm / s) + 1)
                for i, s in zip(index, grid.spacing_mm, strict=True)
            )
            mask[z, y, x] = True
    return mask


@pytest.mark.parametrize(
    ("inner", "depth_mm", "name"),
    [(1.0, 0.0, "annulus"), (0.0, 0.0, "annulus"), (0.35, 9.0, "leaflets")],
    ids=["a ring", "a filled ring", "leaflets"],
)
def test_a_labelled_annulus_or_leaflets_give_the_ring(tmp_path, phantom, inner, depth_mm, name):
    mask = swept(phantom, inner, depth_mm=depth_mm)
    path = write(tmp_path / "valve.nii.gz", mask * 7, phantom.volume.geometry)
    (tmp_path / "map.toml").write_text(f"{name} = 7\n")
    annulus = read_annulus(path, labels=tmp_path / "map.toml")
    told, true = measure_contour(annulus, annulus.curve_mm), phantom.truth["annulus"]["contour"]
    for size in AREAS:
        assert getattr(told, size) == pytest.approx(true[size], rel=0.06), size
    for size in LENGTHS:
        assert getattr(told, size) == pytest.approx(true[size], abs=2.0), size
    assert angle_deg(np.array(annulus.normal), np.array(phantom.annulus.normal)) < 3
    assert annulus.method == "given"


def test_two_leaflets_tell_which_side_is_posterior(tmp_path, phantom):
    mask = swept(phantom, 0.35, depth_mm=9.0)
    where = phantom.volume.geometry.to_patient(np.argwhere(mask))
    behind = np.abs(phantom.annulus.angle_deg(where)) < 115
    values = np.zeros(mask.shape, np.int16)
    values[mask] = np.where(behind, 2, 1)
    path = write(tmp_path / "valve.nii.gz", values, phantom.volume.geometry)
    (tmp_path / "map.json").write_text(json.dumps({"anterior_leaflet": 1, "posterior_leaflet": 2}))
    annulus = read_annulus(path, labels=tmp_path / "map.json")
    assert angle_deg(np.array(annulus.posterior), np.array(phantom.annulus.posterior)) < 10


def test_half_a_ring_is_refused(tmp_path, phantom):
    mask = swept(phantom, 1.0)
    where = np.argwhere(mask)
    mask[tuple(where[phantom.annulus.angle_deg(phantom.volume.geometry.to_patient(where)) > 0].T)] = False
    path = write(tmp_path / "valve.nii.gz", mask * 7, phantom.volume.geometry)
    (tmp_path / "map.toml").write_text("annulus = 7\n")
    with pytest.raises(ConfigError, match="go round the valve"):
        read_annulus(path, labels=tmp_path / "map.toml")


def test_a_label_map_without_annulus_is_refused_with_its_labels(tmp_path, parts):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=3, atrium=2)
    with pytest.raises(ConfigError, match=r"lacks annulus \(its labels: 2, 3\)"):
        read_annulus(path)


def test_a_damaged_label_map_is_said_so(tmp_path, phantom):
    (tmp_path / "heart.nii.gz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(CorruptInputError):
        read_chambers(tmp_path / "heart.nii.gz", phantom.volume.geometry)


@pytest.fixture(scope="module")
def exam(tmp_path_factory, phantom):
    folder = tmp_path_factory.mktemp("exam")
    write_series(phantom.volume, folder)
    return folder


def run(*arguments):
    return RUNNER.invoke(app, ["run", *map(str, arguments), "--set", "output.quick=true"])


def test_run_takes_chambers_by_a_named_map(exam, parts, tmp_path):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=500, atrium=420)
    done = run(exam, "-o", tmp_path / "out", "--chambers", path, "--labels", "mmwhs")
    assert done.exit_code == 0, done.stderr
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert record["annulus"]["method"] == "chambers"
    assert record["annulus"]["contour"]["saddle_area_mm2"] > 500


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (("--labels", "mmwhs"), (2, "give a label map too")),
        (("--chambers", "HEART", "--labels", "none.toml"), (5, "neither")),
        (("--chambers", "HEART", "--labels", "heartchambers_highres"), (2, "its labels: 420, 500")),
        (("--annulus", "HEART", "--labels", "mmwhs"), (2, "lacks annulus")),
        (("--annulus", "none.nii.gz"), (5, "neither")),
    ],
)
def test_bad_label_maps_get_one_line_and_their_exit_code(exam, parts, tmp_path, options, refusal):
    path = written(tmp_path / "heart.nii.gz", parts, ventricle=500, atrium=420)
    done = run(exam, "-o", tmp_path / "out", *(str(path) if part == "HEART" else part for part in options))
    assert done.exit_code == refusal[0]
    assert refusal[1] in done.stderr
    assert sum(line.startswith("ccma-seg:") for line in done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()
