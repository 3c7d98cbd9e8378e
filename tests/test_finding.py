"""Finding and choosing: which files make up which series, and which one is read."""

import os
import shutil

import numpy as np
import pydicom.data
import pytest

from ccma_seg.errors import CorruptInputError, IncompleteVolumeError, InputPathError, NoSeriesError
from ccma_seg.series import ReadParams, choose_series, find_series, read_series, sources
from make_dicom import COUNT, UID, ct_slice, hu, save, volume_hu, write_ct


def refusal_of(folder):
    return str(find_series(folder).series[0].refusal)


def reason_of(folder, name):
    return next(skipped.reason.text for skipped in find_series(folder).skipped if skipped.name == name)


def test_every_file_is_in_a_series_or_has_a_reason(tmp_path):
    write_ct(tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("text")
    (tmp_path / "empty").write_bytes(b"")
    inventory = find_series(tmp_path)
    assert [series.slice_count for series in inventory.series] == [COUNT]
    assert {skipped.name for skipped in inventory.skipped} == {"a/notes.txt", "empty"}
    assert inventory.file_count == COUNT + 2


def test_all_of_pydicoms_own_files_are_accounted_for():
    folder = os.path.dirname(pydicom.data.get_testdata_file("CT_small.dcm"))  # noqa: PTH120
    inventory = find_series(folder)
    assert inventory.file_count == sum(len(names) for _, _, names in os.walk(folder))
    assert all(skipped.reason.text for skipped in inventory.skipped)
    assert all(series.usable or str(series.refusal) for series in inventory.series)


def test_the_order_of_files_changes_nothing(tmp_path):
    write_ct(tmp_path / "a")
    for index, path in enumerate(sorted((tmp_path / "a").iterdir())):
        shutil.copy(path, tmp_path / f"{(index * 7) % COUNT:03d}.x")
    shutil.rmtree(tmp_path / "a")
    np.testing.assert_array_equal(read_series(tmp_path).hu, volume_hu())


def test_links_that_form_a_loop_do_not_hang(tmp_path):
    write_ct(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    inventory = find_series(tmp_path)
    assert [series.slice_count for series in inventory.series] == [COUNT]
    assert len(inventory.skipped) == 2


def test_what_may_not_be_opened_has_a_reason(tmp_path, monkeypatch):
    write_ct(tmp_path)
    original = sources.Source.read

    def refuse(source, *args):
        if source.name == "001":
            raise PermissionError(13, "Permission denied")
        return original(source, *args)

    monkeypatch.setattr(sources.Source, "read", refuse)
    assert reason_of(tmp_path, "001") == "cannot be read: Permission denied"
    volume = read_series(tmp_path)
    assert [reason.code for reason in volume.reasons if reason.degrades] == ["unreadable_files"]


def test_a_folder_that_may_not_be_listed_is_an_input_path_error(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputPathError, match="readable"):
        find_series(tmp_path)


def test_a_dicom_directory_is_no_image():
    folder = os.path.dirname(pydicom.data.get_testdata_file("DICOMDIR"))  # noqa: PTH120
    assert reason_of(folder, "DICOMDIR") == "a DICOM directory, not an image"


def test_mr_is_refused_and_the_message_says_why_it_must_be_ct(tmp_path):
    write_ct(tmp_path, Modality="MR", SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    with pytest.raises(NoSeriesError, match=r"calcification needs CT, this is MR.*3 of 20"):
        read_series(tmp_path)


@pytest.mark.parametrize(
    ("elements", "why"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "projection"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary capture"),
        ({"RescaleSlope": None}, "no rescale slope"),
        ({"RescaleType": "Z_EFF"}, "'Z_EFF'"),
        ({"ImagePositionPatient": None}, "positions"),
        ({"PixelSpacing": None}, "pixel spacing"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.3, 1, 0]}, "perpendicular"),
        ({"PatientID": "", "Modality": "PT"}, "this is PT"),
    ],
)
def test_what_is_no_ct_volume_is_refused_in_plain_words(tmp_path, elements, why):
    write_ct(tmp_path, **elements)
    with pytest.raises(NoSeriesError, match=why):
        read_series(tmp_path)


def test_ct_whose_modality_was_stripped_is_told_by_its_class(tmp_path):
    np.testing.assert_array_equal(read_series(write_ct(tmp_path, Modality="")).hu, volume_hu())


def test_eight_bit_images_are_no_hounsfield_units(tmp_path):
    def shrink(image, _):
        image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
        image.PixelData = bytes(40 * 48)

    with pytest.raises(NoSeriesError, match="16 bits, got 8"):
        read_series(write_ct(tmp_path, edit=shrink))


def test_a_single_slice_is_no_volume(tmp_path):
    with pytest.raises(NoSeriesError, match="at least 3 slices, it has 1; give the whole folder"):
        read_series(save(ct_slice(0), tmp_path / "one"))


def test_a_localizer_in_the_same_series_is_set_apart(tmp_path):
    write_ct(tmp_path)
    save(ct_slice(40, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), tmp_path / "scout")
    np.testing.assert_array_equal(read_series(tmp_path).hu, volume_hu())


def test_another_orientation_or_matrix_in_the_same_series_is_set_apart(tmp_path):
    write_ct(tmp_path)
    save(ct_slice(3, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), tmp_path / "coronal")
    save(ct_slice(4, pixels=np.zeros((8, 8), np.uint16)), tmp_path / "small")
    save(ct_slice(5, PixelSpacing=[0.4, 0.4]), tmp_path / "fine")
    inventory = find_series(tmp_path)
    assert sorted(series.slice_count for series in inventory.series) == [1, 1, 1, COUNT]


def phases(folder, *, percents=(45, 75), edit=None, **elements):
    """Phases of one heart in one series, each 100 HU above the one before."""
    for number, percent in enumerate(percents):

        def shift(image, index, number=number, percent=percent):
            image.PixelData = np.minimum(hu(index) + 1024 + 100 * number, 4095).astype(np.uint16).tobytes()
            image.SOPInstanceUID = f"{UID}8.{number}.{index + 1}"
            image.InstanceNumber = number * COUNT + index + 1
            if edit is not None:
                edit(image, index, number, percent)

        write_ct(folder / f"phase{number}", edit=shift, **elements)
    return folder


def phase_percent(image, _index, _number, percent):
    image.add_new(0x00209241, "FL", percent)


def test_phases_in_one_series_are_set_apart_and_the_diastolic_one_is_preferred(tmp_path):
    phases(tmp_path, edit=phase_percent)
    inventory = find_series(tmp_path)
    assert sorted(series.phase_percent for series in inventory.series) == [45, 75]
    volume = read_series(tmp_path)
    np.testing.assert_array_equal(volume.hu, volume_hu() + 100)
    assert volume.acquisition.cardiac_phase_percent == 75
    assert "phase 75 %" in next(reason.text for reason in volume.reasons if reason.code == "series_chosen")


def test_a_phase_can_be_asked_for_and_an_unknown_one_is_answered_with_those_there(tmp_path):
    phases(tmp_path, edit=phase_percent)
    np.testing.assert_array_equal(read_series(tmp_path, phase=45).hu, volume_hu())
    with pytest.raises(NoSeriesError, match="60 %; there are 45 %, 75 %"):
        read_series(tmp_path, phase=60)


def trigger_time(image, index, number, _percent):
    image.TriggerTime = 400 * number + index % 2


def acquisition(image, _index, number, _percent):
    image.AcquisitionNumber = number + 1


def content_time(image, index, number, _percent):
    image.ContentTime = f"12{number:02d}{index:02d}.5"


def nothing(image, index, number, percent):
    """Only the instance number tells."""


@pytest.mark.parametrize("tell", [trigger_time, acquisition, content_time, nothing])
def test_phases_are_told_apart_by_whatever_differs(tmp_path, tell):
    inventory = find_series(phases(tmp_path, edit=tell))
    assert [series.slice_count for series in inventory.series] == [COUNT, COUNT]
    assert all(series.usable for series in inventory.series)
    firsts = sorted(int(series.images[0].source.name[5]) for series in inventory.series)
    assert firsts == [0, 1]
    for series in inventory.series:
        assert len({image.source.name.split("/")[0] for image in series.images}) == 1


def test_acquisition_numbers_and_times_that_change_within_a_volume_do_not_split_it(tmp_path):
    def slabs(image, index):
        image.AcquisitionNumber, image.ContentTime, image.TriggerTime = index // 7, f"1200{index:02d}", 300 + index // 7

    np.testing.assert_array_equal(read_series(write_ct(tmp_path, edit=slabs)).hu, volume_hu())


def test_a_coordinate_system_of_its_own_for_each_slice_means_nothing(tmp_path):
    def anonymise(image, index):
        image.FrameOfReferenceUID = f"{UID}77.{index + 1}"

    volume = read_series(write_ct(tmp_path, edit=anonymise))
    assert [reason.code for reason in volume.reasons] == ["frame_of_reference_varies"]


def test_two_coordinate_systems_are_two_volumes(tmp_path):
    def halve(image, index):
        image.FrameOfReferenceUID = f"{UID}77.{index // 10 + 1}"

    assert [series.slice_count for series in find_series(write_ct(tmp_path, edit=halve)).series] == [10, 10]


def test_series_without_a_uid_are_kept_together(tmp_path):
    write_ct(tmp_path, SeriesInstanceUID="")
    np.testing.assert_array_equal(read_series(tmp_path).hu, volume_hu())


def test_one_instance_uid_for_all_slices_does_not_make_them_copies(tmp_path):
    np.testing.assert_array_equal(read_series(write_ct(tmp_path, SOPInstanceUID=f"{UID}5")).hu, volume_hu())


def test_two_patients_are_refused_without_naming_them(tmp_path):
    write_ct(tmp_path / "a")
    write_ct(tmp_path / "b", PatientID="SOMEBODY-ELSE", SeriesInstanceUID=f"{UID}20")
    with pytest.raises(NoSeriesError, match=r"one patient, it holds 2.*--series-uid") as error:
        read_series(tmp_path)
    assert "SOMEBODY" not in str(error.value)
    np.testing.assert_array_equal(read_series(tmp_path, series_uid=f"{UID}20").hu, volume_hu())


def test_two_patients_that_share_a_series_uid_are_not_mixed(tmp_path):
    write_ct(tmp_path / "a")
    write_ct(tmp_path / "b", PatientID="SOMEBODY-ELSE")
    assert [series.slice_count for series in find_series(tmp_path).series] == [COUNT, COUNT]
    with pytest.raises(NoSeriesError, match="one patient"):
        read_series(tmp_path)


def test_an_unknown_series_uid_is_answered_with_those_there(tmp_path):
    write_ct(tmp_path)
    with pytest.raises(NoSeriesError, match=f"no series has the UID '1.2.3'; there are {UID}2"):
        read_series(tmp_path, series_uid="1.2.3")


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}),
        ({"SeriesDescription": "Cor CTA"}, {"SeriesDescription": "Thorax"}),
        ({"SliceThickness": 0.6}, {"SliceThickness": 5}),
        ({"ConvolutionKernel": "Bv40"}, {"ConvolutionKernel": "Br64"}),
        ({"ConvolutionKernel": "STANDARD"}, {"ConvolutionKernel": "LUNG"}),
        ({"ConvolutionKernel": "FC12"}, {"ConvolutionKernel": "FC51"}),
        ({"SeriesDescription": "CTA 70 %"}, {"SeriesDescription": "CTA 40 %"}),
    ],
)
def test_the_series_that_suits_better_is_chosen(tmp_path, better, worse):
    write_ct(tmp_path / "a", step_mm=1.0, SeriesInstanceUID=f"{UID}21", **worse)
    write_ct(tmp_path / "b", step_mm=1.0, SeriesInstanceUID=f"{UID}22", **better)
    assert choose_series(find_series(tmp_path)).series_uid == f"{UID}22"


def test_a_whole_heart_is_preferred_to_a_finer_part(tmp_path):
    write_ct(tmp_path / "a", SeriesInstanceUID=f"{UID}21")
    write_ct(tmp_path / "b", step_mm=0.5, SeriesInstanceUID=f"{UID}22")
    assert choose_series(find_series(tmp_path)).series_uid == f"{UID}21"


def test_a_better_series_that_had_to_be_refused_is_mentioned(tmp_path):
    write_ct(tmp_path / "a", SeriesInstanceUID=f"{UID}21", SeriesDescription="Thorax")
    write_ct(tmp_path / "b", SeriesInstanceUID=f"{UID}22", skip=(9,))
    volume = read_series(tmp_path)
    assert volume.acquisition.series_uid == f"{UID}21"
    assert [reason.code for reason in volume.reasons] == ["better_series_refused"]
    assert read_series(tmp_path, allow_missing_slices=True).acquisition.series_uid == f"{UID}22"


def test_percent_of_iterative_reconstruction_is_no_phase(tmp_path):
    write_ct(tmp_path, SeriesDescription="Chest ASiR 40%")
    assert find_series(tmp_path).series[0].phase_percent is None


def test_positions_with_one_decimal_are_read_as_even(tmp_path):
    def blur(image, index):
        image.ImagePositionPatient = [-10, 20, round(-100 + index * 0.625, 1)]

    volume = read_series(write_ct(tmp_path, edit=blur))
    assert volume.geometry.spacing_mm[0] == pytest.approx(0.625, abs=0.01)
    assert "rounded_positions" in [reason.code for reason in volume.reasons]


def test_directions_that_are_almost_unit_vectors_are_made_so(tmp_path):
    volume = read_series(write_ct(tmp_path, ImageOrientationPatient=[1.0004, 0, 0, 0, 0.9997, 0]))
    assert volume.geometry.axes == ((0, 0, 1), (0, 1, 0), (1, 0, 0))


def test_slices_numbered_from_the_head_are_sorted_from_the_feet(tmp_path):
    def turn(image, index):
        image.InstanceNumber, image.SliceLocation = COUNT - index, 12.0
        image.SpacingBetweenSlices = -5

    np.testing.assert_array_equal(read_series(write_ct(tmp_path, edit=turn)).hu, volume_hu())


def test_coronal_slices_keep_their_own_axes(tmp_path):
    def turn(image, index):
        image.ImagePositionPatient, image.ImageOrientationPatient = [-10, 20 + index * 5, 90], [1, 0, 0, 0, 0, -1]

    volume = read_series(write_ct(tmp_path, edit=turn))
    np.testing.assert_array_equal(volume.hu, volume_hu())
    assert volume.geometry.axes == ((0, 1, 0), (0, 0, -1), (1, 0, 0))


def test_a_slice_beside_the_others_is_refused_whatever_is_allowed(tmp_path):
    def push(image, index):
        image.ImagePositionPatient = [-10 + 30 * (index == 7), 20, -100 + index * 5]

    write_ct(tmp_path, edit=push)
    with pytest.raises(IncompleteVolumeError, match="beside"):
        read_series(tmp_path, allow_missing_slices=True, allow_gantry_tilt=True)


def test_a_slice_a_little_beside_the_others_is_told(tmp_path):
    def move(image, index):
        image.ImagePositionPatient[0] += 0.1 if index == 0 else 0

    reasons = read_series(write_ct(tmp_path, edit=move)).reasons
    assert [reason.text for reason in reasons if reason.code == "stray_positions"] == [
        "slices lie up to 0.095 mm beside a straight line"
    ]


def test_slices_that_are_rescaled_differently_are_told(tmp_path):
    def rescale(image, index):
        image.RescaleSlope = 2 if index == 3 else 1

    assert "rescale_varies" in {reason.code for reason in read_series(write_ct(tmp_path, edit=rescale)).reasons}


def test_a_gap_as_wide_as_the_annulus_is_never_interpolated(tmp_path):
    write_ct(tmp_path, skip=(8, 9, 10))
    with pytest.raises(IncompleteVolumeError, match=r"at most 15 mm.*20\.00 mm after slice 8"):
        read_series(tmp_path, allow_missing_slices=True)


def test_slices_that_lean_too_much_are_never_corrected(tmp_path):
    def lean(image, index):
        image.ImagePositionPatient = [-10, 20 + 5 * index, -100 + 5 * index]

    write_ct(tmp_path, edit=lean)
    with pytest.raises(IncompleteVolumeError, match="lean by 45 degrees"):
        read_series(tmp_path, allow_gantry_tilt=True)


def test_two_patients_are_refused_even_if_one_of_them_is_incomplete(tmp_path):
    write_ct(tmp_path / "a")
    write_ct(tmp_path / "b", PatientID="SOMEBODY-ELSE", SeriesInstanceUID=f"{UID}20", skip=(9,))
    with pytest.raises(NoSeriesError, match="one patient"):
        read_series(tmp_path)


def test_more_voxels_than_allowed_are_refused(tmp_path):
    write_ct(tmp_path)
    with pytest.raises(NoSeriesError, match="at most 1e"):
        read_series(tmp_path, params=ReadParams(max_voxels=10_000))


def test_a_table_can_be_printed_from_a_series(tmp_path):
    series = find_series(write_ct(tmp_path)).series[0]
    assert (series.modality, series.slice_count, series.file_count, series.usable) == ("CT", COUNT, COUNT, True)
    assert series.geometry.shape == (COUNT, 40, 48)
    assert series.rank_text == "original, 100 mm high, cardiac, 1 mm thick, soft kernel Bv40"


def test_random_damage_is_refused_or_harmless(tmp_path):
    rng = np.random.default_rng(0)
    write_ct(tmp_path / "whole", count=4)
    originals = {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    for trial in range(60):
        folder = tmp_path / f"t{trial}"
        shutil.copytree(tmp_path / "whole", folder)
        data = bytearray(originals["002"])
        header = len(data) - 40 * 48 * 2
        for at in rng.integers(132, header, 3):
            data[at] = rng.integers(0, 256)
        (folder / "002").write_bytes(data[: rng.integers(100, len(data))] if trial % 3 == 0 else data)
        try:
            volume = read_series(folder)
        except (CorruptInputError, IncompleteVolumeError, NoSeriesError):
            continue
        finally:
            shutil.rmtree(folder)
        assert volume.geometry.spacing_mm[1:] == (0.5, 0.75)
