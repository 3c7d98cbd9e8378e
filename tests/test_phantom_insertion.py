"""Lesions in a real CT are as sharp and as noisy as that CT."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from ccma_seg.errors import GeometryError
from ccma_seg.phantom import CavitySpec, LesionSpec, ScannerSpec, insert, make_phantom, read_recipe
from ccma_seg.phantom.image_quality import ImageQuality, edge_width_mm, image_quality, noise_like

SCANNER = ScannerSpec(
    matrix=320, field_of_view_mm=180.0, slices=60, slice_spacing_mm=1.0, slice_thickness_mm=1.0, noise_fwhm_mm=1.3
)
LESION = LesionSpec(long_axis_mm=24.0, short_axis_mm=20.0, cavity=CavitySpec(fraction=0.7))


@pytest.fixture(scope="module")
def host():
    return make_phantom(replace(read_recipe("normal"), scanner=SCANNER))


@pytest.fixture(scope="module")
def inserted(host):
    return insert(host.volume, host.annulus, LESION)


@pytest.mark.parametrize("fwhm", [0.9, 1.3])
def test_the_width_of_edges_is_estimated_from_the_image(fwhm):
    spec = replace(SCANNER, psf_fwhm_mm=fwhm, noise_sd_hu=10.0)
    phantom = make_phantom(replace(read_recipe("normal"), scanner=spec))
    assert edge_width_mm(phantom.volume, phantom.annulus) == pytest.approx(fwhm, rel=0.25)


def test_noise_is_measured_in_blood(host):
    assert image_quality(host.volume, host.annulus).noise_sd_hu == pytest.approx(SCANNER.noise_sd_hu, rel=0.1)


def test_noise_drawn_again_has_the_same_correlation(host):
    quality = image_quality(host.volume, host.annulus)
    noise = noise_like(quality, (12, 128, 128), seed=2)
    assert noise.std() == pytest.approx(quality.noise_sd_hu, rel=0.01)
    neighbour = float((noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var())
    assert neighbour == pytest.approx(quality.correlation[7, 8], abs=0.12)


def test_far_from_the_lesion_nothing_changes(host, inserted):
    changed = inserted.volume.hu != host.volume.hu
    center = np.array(inserted.truth["lesions"][0]["centroid_mm"])
    where = host.volume.geometry.to_patient(np.argwhere(changed))
    assert np.linalg.norm(where - center, axis=1).max() < 35


def test_the_cavity_has_the_measured_hu_of_the_chamber(inserted):
    parts = inserted.parts()
    hu = inserted.volume.hu[parts.slices_in(inserted.volume.geometry)]
    wanted = inserted.truth["contrast"]["left_ventricle_hu"]
    assert np.median(hu[parts.mask(4)]) == pytest.approx(wanted, abs=15)


def test_inside_the_lesion_there_is_the_noise_of_the_ct(inserted):
    parts = inserted.parts()
    hu = inserted.volume.hu[parts.slices_in(inserted.volume.geometry)]
    values = hu[binary_erosion(parts.mask(4), iterations=2)]
    spread = np.median(np.abs(values - np.median(values))) / 0.6745
    assert spread == pytest.approx(SCANNER.noise_sd_hu, rel=0.25)


def test_the_same_seed_gives_the_same_voxels(host, inserted):
    np.testing.assert_array_equal(insert(host.volume, host.annulus, LESION).volume.hu, inserted.volume.hu)


def test_a_lesion_outside_the_volume_is_refused(host):
    quality = ImageQuality(
        psf_fwhm_mm=1.0, slice_thickness_mm=1.0, noise_sd_hu=5.0, correlation=np.eye(15), slice_correlation=0.0
    )
    with pytest.raises(GeometryError):
        insert(host.volume, host.annulus, replace(LESION, outward_mm=400.0), quality=quality)
