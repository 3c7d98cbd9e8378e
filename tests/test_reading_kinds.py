"""What headers say in ways that readers get wrong: phases, numbers, bits, single frames and foreign letters."""

import os
import zipfile

import numpy as np
import pytest
from pydicom import Dataset

from ccma_seg import read_series
from ccma_seg.series.texts import phase_in, speaks_of_heart
from make_dicom import COUNT, ORIGIN_MM, SPACING_MM, STEP_MM, UID, ct_slice, hu, save, volume_hu, write_ct

ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1"
PHASES = 3
SHIFT_HU = 300


def seq(**elements):
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


def write_phases(folder, tell):
    """Three phases of one series in no order, each brighter than the last; `tell(image, phase)` says which it is."""
    number = np.random.default_rng(0).permutation(PHASES * COUNT)
    for phase in range(PHASES):
        for index in range(COUNT):
            place = int(number[phase * COUNT + index])
            image = ct_slice(index, pixels=(hu(index) + 1024 + phase * SHIFT_HU).astype(np.uint16))
            image.SOPInstanceUID = f"{UID}9.{place + 1}"
            image.InstanceNumber = place + 1
            tell(image, phase)
            save(image, folder / f"{place:03d}")
    return folder


def phases_in(volume):
    return {int(v) // SHIFT_HU for v in (volume.hu - volume_hu())[:, 0, 0]}


def by_identifier(image, phase):
    image.TemporalPositionIdentifier = phase + 1


def by_scan_options(image, phase):
    image.ScanOptions = f"TP{30 * phase}"


@pytest.mark.parametrize("tell", [by_identifier, by_scan_options])
def test_a_volume_holds_one_phase_only(tmp_path, tell):
    assert len(phases_in(read_series(write_phases(tmp_path, tell)))) == 1


def test_phases_that_nothing_but_a_number_tells_apart_are_said(tmp_path):
    volume = read_series(write_phases(tmp_path, lambda *_: None))
    (reason,) = (r for r in volume.reasons if r.code == "repeated_positions")
    assert reason.degrades


def enhanced(indices, *, phases=(0,), order=None):
    """Frames of an enhanced CT, their place and scale in functional groups."""
    image = ct_slice(0, SOPClassUID=ENHANCED)
    image.file_meta.MediaStorageSOPClassUID = ENHANCED
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope",
                    "RescaleIntercept", "RescaleType", "SliceThickness"):  # fmt: skip
        delattr(image, keyword)
    shared = Dataset()
    shared.PlaneOrientationSequence = seq(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    shared.PixelMeasuresSequence = seq(PixelSpacing=list(SPACING_MM), SliceThickness=1)
    shared.PixelValueTransformationSequence = seq(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")
    image.SharedFunctionalGroupsSequence = [shared]
    frames = [(index, phase) for phase in phases for index in indices]
    if order is not None:
        frames = [frames[k] for k in order]
    groups = []
    for index, phase in frames:
        group = Dataset()
        group.PlanePositionSequence = seq(ImagePositionPatient=[*ORIGIN_MM[:2], ORIGIN_MM[2] + index * STEP_MM])
        group.FrameContentSequence = seq(StackID="1", TemporalPositionIndex=phase + 1)
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = groups
    image.NumberOfFrames = len(frames)
    pixels = np.stack([hu(index) + 1024 + phase * SHIFT_HU for index, phase in frames])
    image.PixelData = pixels.astype(np.uint16).tobytes()
    image["PixelData"].VR = "OW"
    return image


def test_frames_in_any_order_are_told_apart_by_their_temporal_position(tmp_path):
    order = np.random.default_rng(1).permutation(PHASES * COUNT)
    save(enhanced(range(COUNT), phases=range(PHASES), order=order), tmp_path / "x")
    assert len(phases_in(read_series(tmp_path))) == 1


@pytest.mark.parametrize("parts", [[[i] for i in range(COUNT)], [range(COUNT - 1), [COUNT - 1]]])
def test_an_enhanced_object_of_one_frame_keeps_its_place_and_scale(tmp_path, parts):
    for number, part in enumerate(parts):
        image = enhanced(part)
        image.SOPInstanceUID = f"{UID}9.{number + 1}"
        save(image, tmp_path / f"{number}")
    np.testing.assert_array_equal(read_series(tmp_path).hu, volume_hu())


def test_a_decimal_comma_is_a_point_and_said(tmp_path):
    folder = write_ct(tmp_path)
    for path in folder.iterdir():
        data = path.read_bytes()
        path.write_bytes(data.replace(b"0.5\\0.75", b"0,5\\0,75"))
    volume = read_series(folder)
    assert volume.geometry.spacing_mm[1:] == SPACING_MM
    assert "decimal_commas" in {r.code for r in volume.reasons}


def test_four_letters_are_no_binary_number(tmp_path):
    folder = write_ct(tmp_path, TriggerTime=1234)
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes().replace(b"1234", b"12ms"))
    assert read_series(folder).acquisition.trigger_time_ms is None


def test_a_file_name_in_another_encoding_is_told_in_letters_that_can_be_written(tmp_path):
    folder = write_ct(tmp_path / "exam")
    with open(os.fsencode(folder) + b"/Caf\xe9.dcm", "wb") as file:  # noqa: PTH123  bytes are no Path
        file.write((folder / "001").read_bytes()[:500])
    volume = read_series(folder)
    (reason,) = (r for r in volume.reasons if r.code == "unreadable_files")
    assert reason.text.encode().decode().endswith("Caf\ufffd.dcm")


def test_values_lie_to_the_right_whatever_high_bit_says_unless_the_bits_below_are_empty(tmp_path):
    right = write_ct(tmp_path / "right", HighBit=15)
    np.testing.assert_array_equal(read_series(right).hu, volume_hu())

    def to_the_left(image, index):
        image.PixelData = ((hu(index) + 1024).astype(np.uint16) << 4).tobytes()

    left = write_ct(tmp_path / "left", HighBit=15, edit=to_the_left)
    np.testing.assert_array_equal(read_series(left).hu, volume_hu())


@pytest.mark.parametrize(
    ("character_set", "text"),
    [("GB18030", "心脏冠脉"), (["", "ISO 2022 IR 149"], "심장 CT"), (["", "ISO 2022 IR 87"], "心臓"),
     ("ISO_IR 144", "Сердце"), ("ISO_IR 100", "Köpfe")],
)  # fmt: skip
def test_descriptions_are_read_in_their_character_set(tmp_path, character_set, text):
    volume = read_series(write_ct(tmp_path, SpecificCharacterSet=character_set, SeriesDescription=text))
    assert volume.acquisition.description == text


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("BestDiast 75 %", 75.0),
        ("Pro_Gated_CS_3.0_I30f_3_70%", 70.0),
        ("Cor CTA 70% R-R", 70.0),
        ("CTA 5-95%", None),
        ("CTA 0.625 40% ASIR", None),
        ("Cor CTA 60% ADMIRE", None),
        ("Cor CTA ADMIRE 60%", None),
        ("CTA 100% contrast", None),
        ("Thorax KM 30% verd.", None),
        ("Thorax 70%", None),
        ("Resp. Gated 40.0%", None),
        ("Cor CTA 30% 75%", None),
    ],
)
def test_a_percentage_is_a_phase_only_where_a_heart_beats(text, percent):
    assert phase_in(text) == percent


@pytest.mark.parametrize(
    ("text", "cardiac"),
    [
        *((text, True) for text in ("Cor CTA 0.5", "CTA Thorax", "CaScore 3.0", "Herz nativ")),
        *((text, False) for text in ("Calcaneus rechts", "Retroperitoneum", "CTA Kopf/Hals", "Urinary system")),
        ("coronal MPR", False),
    ],
)
def test_parts_of_words_do_not_make_a_series_cardiac(text, cardiac):
    assert speaks_of_heart(text) is cardiac


def test_frames_in_a_zip_are_unpacked_once(tmp_path, monkeypatch):
    path = save(enhanced(range(COUNT)), tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, "x")
    opened, whole = [], zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *given: opened.append(given) or whole(*given))
    np.testing.assert_array_equal(read_series(tmp_path / "x.zip").hu, volume_hu())
    assert len(opened) < COUNT / 2
