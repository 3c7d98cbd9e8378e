"""DICOM SEG and SR: the same voxels and the same figures as in the other files, and nobody's name."""

import json
import shutil
import subprocess
import warnings
from dataclasses import replace

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

import ccma_seg as ccma
from ccma_seg.errors import ConfigError
from ccma_seg.report import make_label_map, write_results
from ccma_seg.report.dicom import figures
from ccma_seg.report.dicom.concepts import PROPERTIES, VERDICTS
from ccma_seg.report.dicom.content import gather
from ccma_seg.report.dicom.objects import write_objects
from ccma_seg.report.dicom.segmentation import write_segmentation
from ccma_seg.report.labels import LABEL_NAMES
from ccma_seg.series import read_series, write_series
from ccma_seg.series.writing import SeriesTags
from ccma_seg.volume import Acquisition, Identity, LabelMap

KNOWN = Identity(name="Müller^Änne", patient_id="4711", birth_date="19400102", sex="F", study_date="20250304")


def seen(analysis, **changes):
    """Return the analysis as if its volume had been read otherwise."""
    acquisition = replace(analysis.volume.acquisition, **changes)
    return replace(analysis, volume=replace(analysis.volume, acquisition=acquisition))


def written(analysis, folder):
    """Return SEG (None if there is none) and SR, read back by highdicom."""
    folder.mkdir(exist_ok=True)
    names = write_objects(gather(analysis, analysis.record()), folder)
    seg = hd.seg.segread(folder / names["segmentation"]) if "segmentation" in names else None
    return seg, hd.sr.srread(folder / names["structured_report"])


def labels_of(seg, analysis):
    """Return the labels on the grid of the volume, by what the segments are called."""
    volume = seg.get_volume(combine_segments=True, rescale_fractional=False)
    by_name = {name: label for label, name in LABEL_NAMES.items()}
    lookup = np.zeros(256, np.uint8)
    for number in seg.segment_numbers:
        name = seg.get_segment_description(number).segment_label
        lookup[number] = next(label for known, label in by_name.items() if name.endswith(known))
    grid = analysis.volume.geometry
    voxels = np.argwhere(volume.array > 0)
    places = grid.to_index(volume.map_indices_to_reference(voxels))
    np.testing.assert_allclose(places, np.rint(places), atol=1e-3)
    labels = np.zeros(grid.shape, np.uint8)
    labels[tuple(np.rint(places).astype(int).T)] = lookup[volume.array[tuple(voxels.T)]]
    return labels


def numbers_of(report):
    """Return every figure of a report, by measurement group and code."""
    groups = report.content.get_volumetric_roi_measurement_groups() + report.content.get_image_measurement_groups()
    return {
        (group.tracking_identifier, item.name.value, item.derivation and item.derivation.value): item.value
        for group in groups
        for item in group.get_measurements()
    }


def expected_numbers(record):
    """Return the figures of the record, by measurement group and code."""
    groups = {"exam": figures.of_exam(record), "annular calcium": figures.of_label(1, record)}
    for lesion in record["lesions"]:
        name = f"lesion {lesion['id']}"
        groups[name] = figures.of_mass(lesion)
        groups |= {f"{name} {LABEL_NAMES[label]}": figures.of_label(label, lesion) for label in (2, 3, 4, 5)}
    return {
        (name, figure.name.value, figure.derivation and figure.derivation.value): value
        for name, found in groups.items()
        for figure, value in found
    }


@pytest.fixture(scope="module")
def exam(analysis):
    """Return the analysis without its blood pools, which take most of the frames."""
    return replace(analysis, anatomy=replace(analysis.anatomy, blood_pools=None))


@pytest.fixture(scope="module")
def objects(exam, tmp_path_factory):
    return written(exam, tmp_path_factory.mktemp("objects"))


def test_highdicom_reads_the_voxels_of_the_label_map_in_their_place(analysis, tmp_path):
    seg, _ = written(analysis, tmp_path)
    np.testing.assert_array_equal(labels_of(seg, analysis), make_label_map(analysis).labels)


def test_a_label_map_segmentation_holds_the_same(exam, tmp_path):
    config = exam.config.with_setting("output.segmentation=labelmap")
    seg, report = written(replace(exam, config=config), tmp_path)
    assert seg.SegmentationType == "LABELMAP"
    np.testing.assert_array_equal(labels_of(seg, exam), make_label_map(exam).labels)
    assert numbers_of(report) == expected_numbers(exam.record())


def test_another_type_of_segmentation_is_refused():
    with pytest.raises(ConfigError, match="binary, labelmap"):
        ccma.Config().with_setting("output.segmentation=fractional")


def test_simpleitk_reads_the_frames(exam, tmp_path):
    seg, _ = written(exam, tmp_path)
    frames = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "labels.seg.dcm")))
    labels = make_label_map(exam).labels
    assert len(frames) == sum(int((labels == label).any(axis=(1, 2)).sum()) for label in np.unique(labels[labels > 0]))
    np.testing.assert_array_equal(frames > 0, pydicom.pixel_array(tmp_path / "labels.seg.dcm") > 0)
    assert len(frames) == seg.NumberOfFrames


def test_every_frame_names_the_stored_image_it_lies_on(exam, objects):
    seen_uids = exam.volume.acquisition.sop_instance_uids
    for frame in objects[0].PerFrameFunctionalGroupsSequence:
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        index = round(float(exam.volume.geometry.to_index(position)[0]))
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == seen_uids[index]


def test_segments_are_coded_named_and_differ_in_colour(objects):
    seg = objects[0]
    items = [seg.get_segment_description(number) for number in seg.segment_numbers]
    assert [item.SegmentNumber for item in items] == list(range(1, len(items) + 1))
    assert len({tuple(item.RecommendedDisplayCIELabValue) for item in items}) == len(items)
    assert {item.segmented_property_type.value for item in items} <= {p.kind.value for p in PROPERTIES.values()}
    assert all(item.SegmentationAlgorithmIdentificationSequence[0].AlgorithmName == "ccma-seg" for item in items)


def test_the_report_holds_the_figures_of_the_record(exam, objects):
    assert numbers_of(objects[1]) == expected_numbers(exam.record())


def test_the_widest_gap_is_told_with_the_rim():
    lesion = {"rim": {"mean_hu": 900.0, "gaps": [{"width_mm": 3.4}, {"width_mm": 2.0}]}}
    told = {(figure.name.value, figure.unit.value): value for figure, value in figures.of_label(2, lesion)}
    assert told == {("112031", "[hnsf'U]"): 900.0, ("widest_gap", "mm"): 3.4}


def test_the_report_gives_the_verdict_its_explanation_and_its_segments(exam, objects):
    seg, report = objects
    (mass,) = [g for g in report.content.get_image_measurement_groups() if g.tracking_identifier == "lesion 1"]
    assert mass.get_qualitative_evaluations()[0].value.value == VERDICTS[exam.verdict].value
    assert exam.masses[0].finding.explanation in [item.get("TextValue") for item in mass[0].ContentSequence]
    groups = report.content.get_volumetric_roi_measurement_groups()
    for group in groups:
        assert group.reference_type.meaning == "Referenced Segment"
        (number,) = [
            int(item.ReferencedSOPSequence[0].ReferencedSegmentNumber)
            for item in group[0].ContentSequence
            if item.ValueType == "IMAGE"
        ]
        item = seg.get_segment_description(number)
        assert (item.tracking_id, item.tracking_uid) == (group.tracking_identifier, group.tracking_uid)


def test_without_a_finding_there_is_a_report_and_without_a_label_no_segmentation(analysis, tmp_path):
    bare = replace(analysis, masses=(), calcium=replace(analysis.calcium, calcifications=()))
    seg, report = written(bare, tmp_path / "pools")
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["blood pool LV", "blood pool LA"]
    blind = replace(bare, anatomy=replace(bare.anatomy, blood_pools=None))
    seg, report = written(blind, tmp_path / "nothing")
    assert seg is None
    assert ("exam", "112032", None) in numbers_of(report)


def test_nine_lesions_are_told_apart(exam, tmp_path):
    mass = exam.masses[0]
    geometry = mass.lesion.parts.geometry
    masses = []
    for k in range(9):
        origin = exam.volume.geometry.to_patient((2 + 7 * k, 10, 10 + 12 * k))
        parts = LabelMap(
            labels=mass.lesion.parts.labels[:4, :30, :30].copy(),
            geometry=replace(geometry, shape=(4, 30, 30), origin_mm=tuple(map(float, origin))),
        )
        parts.labels[1] = 2
        parts.labels[2] = 3
        masses.append(replace(mass, lesion=replace(mass.lesion, id=k + 1, parts=parts)))
    many = replace(exam, masses=tuple(masses))
    seg, report = written(many, tmp_path)
    np.testing.assert_array_equal(labels_of(seg, many), make_label_map(many).labels)
    assert numbers_of(report) == expected_numbers(many.record())
    colors = {tuple(item.RecommendedDisplayCIELabValue) for item in seg.SegmentSequence}
    assert len(colors) == len(seg.SegmentSequence) >= 18


def test_a_resampled_volume_keeps_its_own_grid_and_refers_to_the_stored_images(exam, tmp_path):
    stored = ("1.2.3.1", "1.2.3.2")
    moved = seen(exam, resampled=True, sop_instance_uids=stored)
    seg, report = written(moved, tmp_path)
    np.testing.assert_array_equal(labels_of(seg, moved), make_label_map(moved).labels)
    instances = seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert tuple(item.ReferencedSOPInstanceUID for item in instances) == stored
    assert not any("DerivationImageSequence" in frame for frame in seg.PerFrameFunctionalGroupsSequence)
    assert numbers_of(report) == expected_numbers(moved.record())


def test_frames_of_a_multi_frame_image_are_named_by_number(exam, tmp_path):
    count = exam.volume.geometry.shape[0]
    enhanced = seen(
        exam,
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2.1",
        sop_instance_uids=("1.2.3",) * count,
        frame_numbers=tuple(range(count, 0, -1)),
    )
    seg, _ = written(enhanced, tmp_path)
    assert len(seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1
    for frame in seg.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        index = round(float(exam.volume.geometry.to_index(frame.PlanePositionSequence[0].ImagePositionPatient)[0]))
        assert source.ReferencedFrameNumber == count - index
        assert source.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2.1"


def test_nobody_is_named_unless_asked_for(exam, objects, tmp_path):
    for instance in objects:
        assert not instance.PatientName
        assert not any((instance.PatientID, instance.PatientBirthDate, instance.PatientSex, instance.StudyDate))
        assert instance.StudyInstanceUID == exam.volume.acquisition.study_uid
    named = written(replace(exam, volume=replace(exam.volume, identity=KNOWN)), tmp_path)
    for instance in named:
        assert str(instance.PatientName) == KNOWN.name
        assert (instance.PatientID, instance.StudyDate) == (KNOWN.patient_id, KNOWN.study_date)
        assert instance.ContentDate == KNOWN.study_date


def test_the_identity_is_read_only_on_request(exam, tmp_path):
    volume = exam.volume.crop((slice(0, 4), slice(0, 64), slice(0, 64)))
    write_series(volume, tmp_path, tags=SeriesTags(patient_name="Müller^Änne", patient_id="4711"))
    assert read_series(tmp_path).identity is None
    params = replace(ccma.Config().read, keep_identity=True)
    kept = read_series(tmp_path, params=params).identity
    assert (kept.name, kept.patient_id, kept.study_date) == ("Müller^Änne", "4711", "20260101")
    assert "4711" not in repr(kept)


def test_an_identity_that_dicom_does_not_allow_is_left_out(exam, tmp_path):
    volume = exam.volume.crop((slice(0, 4), slice(0, 64), slice(0, 64)))
    for path in write_series(volume, tmp_path / "in"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pydicom.dcmread(path)
            for name, value in {"PatientName": "腔" * 300, "PatientSex": "X", "PatientBirthDate": "19991399"}.items():
                image[name] = pydicom.DataElement(name, image[name].VR, value, validation_mode=0)
            image.AccessionNumber = "<script>1</script>"[:16]
            image.save_as(path)
    kept = read_series(tmp_path / "in", params=replace(ccma.Config().read, keep_identity=True)).identity
    assert (kept.name, kept.sex, kept.birth_date) == ("", "", "")
    assert kept.accession_number == "<script>1</scrip"
    seg, _ = written(replace(exam, volume=replace(exam.volume, identity=kept)), tmp_path)
    assert seg.AccessionNumber == "<script>1</scrip"


def test_what_is_not_dicom_gets_no_dicom_and_a_reason(exam, tmp_path):
    bare = replace(exam, volume=replace(exam.volume, acquisition=Acquisition()))
    out = write_results(bare, tmp_path / "out")
    record = json.loads((out / "report.json").read_text("utf-8"))
    assert "no_dicom_source" in [reason["code"] for reason in record["reasons"]]
    assert not list(out.glob("*.dcm"))


def test_the_record_names_the_objects(exam, tmp_path):
    out = write_results(exam, tmp_path / "out")
    files = json.loads((out / "report.json").read_text("utf-8"))["files"]
    assert (files["segmentation"], files["structured_report"]) == ("labels.seg.dcm", "report.sr.dcm")


@pytest.mark.skipif(shutil.which("tid1500reader") is None, reason="dcmqi is not installed")
@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_dcmqi_reads_the_same_voxels_and_figures(exam, tmp_path, kind):
    written(replace(exam, config=exam.config.with_setting(f"output.segmentation={kind}")), tmp_path)
    read = ["segimage2itkimage", "--inputDICOM", "labels.seg.dcm", "--outputDirectory", ".", "-t", "nrrd"]
    subprocess.run([*read, "--mergeSegments"], cwd=tmp_path, check=True, capture_output=True)
    image = sitk.ReadImage(str(tmp_path / "1.nrrd"))
    labels = make_label_map(exam)
    index = np.argwhere(labels.labels > 0)
    start = exam.volume.geometry.to_index(image.GetOrigin())
    array = sitk.GetArrayFromImage(image)
    np.testing.assert_array_equal(index, np.argwhere(array > 0) + np.rint(start).astype(int))
    measure = ["tid1500reader", "--inputDICOM", "report.sr.dcm", "--outputMetadata", "report.json"]
    subprocess.run(measure, cwd=tmp_path, check=True, capture_output=True)
    told = {
        (
            group["TrackingIdentifier"],
            item["quantity"]["CodeValue"],
            item.get("derivationModifier", {}).get("CodeValue"),
        ): float(item["value"])
        for group in json.loads((tmp_path / "report.json").read_text("utf-8"))["Measurements"]
        for item in group["measurementItems"]
    }
    assert told == expected_numbers(exam.record())


def test_the_same_labels_elsewhere_are_another_instance(exam, tmp_path):
    content = gather(exam, exam.record())
    moved = replace(content.numbers.geometry, origin_mm=tuple(content.geometry.to_patient((0, 1, 2))))
    contents = content, replace(content, numbers=replace(content.numbers, geometry=moved))
    uids = {write_segmentation(found, tmp_path / "labels.seg.dcm").SOPInstanceUID for found in contents}
    assert len(uids) == 2


def test_objects_have_the_same_bytes_in_every_run(exam, tmp_path):
    for name in ("one", "again"):
        written(exam, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
