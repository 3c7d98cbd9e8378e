"""`report.sr.dcm`: what was measured and found, as a DICOM structured report after TID 1500."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom as hd
from highdicom.coding_schemes import CodingSchemeIdentificationItem

from ccma_seg._version import __version__
from ccma_seg.classification import Verdict
from ccma_seg.lesion import ANNULAR_CALCIUM, CAVITY, CORE, LEAK, RIM
from ccma_seg.report.dicom import figures
from ccma_seg.report.dicom.concepts import (
    CALCIFICATION,
    COMMENT,
    CT,
    MASS,
    MITRAL_ANNULUS,
    OWN_SCHEME,
    PROPERTIES,
    SECTOR,
    VERDICT,
    VERDICTS,
    Concept,
    own,
)
from ccma_seg.report.dicom.content import Content
from ccma_seg.report.dicom.figures import Figure
from ccma_seg.report.dicom.instance import NAME, coded, common, save
from ccma_seg.report.dicom.segments import Segment, name_part
from ccma_seg.series import derived_uid, describe_images


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One measurement group: of a segment, of a mass as a whole, or of the exam."""

    name: str
    uid: str
    finding: Concept
    figures: list[tuple[Figure, float]]
    segment: Segment | None = None
    answers: tuple[tuple[Concept, Concept], ...] = ()
    """Coded question and answer."""
    comments: tuple[str, ...] = ()


def write_structured_report(content: Content, path: Path, *, seg: Any) -> None:
    """Write a structured report with the figures of the record.

    Parameters
    ----------
    content
        Of a volume that was made from stored images, to which the report refers.
    path
        Where to; replaced if it exists.
    seg
        What `write_segmentation` returned; None if nothing is labelled.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    groups = make_groups(content)
    evidence = describe_images(content) + ([] if seg is None else [seg])
    report = hd.sr.ComprehensiveSR(
        evidence=evidence,
        content=hd.sr.MeasurementReport(
            observation_context=_observer(),
            procedure_reported=coded(CT),
            imaging_measurements=[_group(group, content, seg) for group in groups],
        )[0],
        is_complete=True,
        series_description=f"{NAME} report",
        coding_schemes=[_own_scheme()],
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        **common(content, "SR", json.dumps(content.record["lesions"]).encode()),
    )
    save(report, content, path)


def make_groups(content: Content) -> list[Group]:
    """Return the measurement groups: those of segments in their order, then parts without one, masses, the exam."""
    record, segments = content.record, content.segments
    values: dict[int | None, dict[str, Any]] = {None: record, **{lesion["id"]: lesion for lesion in record["lesions"]}}
    found = [_part(values[s.lesion], name=s.name, uid=s.tracking_uid, label=s.label, segment=s) for s in segments]
    left = [key for key in _parts(record) if key not in {(s.label, s.lesion) for s in segments}]
    for label, lesion in left:
        uid = content.tracking_uid(lesion, label)
        found.append(_part(values[lesion], name=name_part(label, lesion), uid=uid, label=label))
    masses = [_mass(content, lesion) for lesion in record["lesions"]]
    return [part for part in found if part.figures] + masses + [_exam(content)]


def _parts(record: dict[str, Any]) -> list[tuple[int, int | None]]:
    """Return (label, lesion) of all that may have figures."""
    return [(ANNULAR_CALCIUM, None)] + [
        (label, lesion["id"]) for lesion in record["lesions"] for label in (RIM, CORE, CAVITY, LEAK)
    ]


def _part(values: dict[str, Any], *, name: str, uid: str, label: int, segment: Segment | None = None) -> Group:
    found = figures.of_label(label, values)
    return Group(name=name, uid=uid, finding=PROPERTIES[label].kind, figures=found, segment=segment)


def _mass(content: Content, lesion: dict[str, Any]) -> Group:
    sector = lesion.get("sector")
    place = () if sector is None else ((SECTOR, own(f"sector_{sector}", f"Sector {sector}")),)
    return Group(
        name=f"lesion {lesion['id']}",
        uid=content.tracking_uid(lesion["id"]),
        finding=MASS,
        figures=figures.of_mass(lesion),
        answers=((VERDICT, VERDICTS[Verdict(lesion["verdict"])]), *place),
        comments=(lesion["explanation"],),
    )


def _exam(content: Content) -> Group:
    record = content.record
    return Group(
        name="exam",
        uid=content.tracking_uid(None),
        finding=CALCIFICATION,
        figures=figures.of_exam(record),
        answers=((VERDICT, VERDICTS[Verdict(record["verdict"])]),),
        comments=(record["explanation"], *(reason["text"] for reason in record["reasons"])),
    )


def _group(group: Group, content: Content, seg: Any) -> Any:
    described: dict[str, Any] = {
        "tracking_identifier": hd.sr.TrackingIdentifier(uid=group.uid, identifier=group.name),
        "finding_type": coded(group.finding),
        "finding_sites": [hd.sr.FindingSite(anatomic_location=coded(MITRAL_ANNULUS))],
        "algorithm_id": hd.sr.AlgorithmIdentification(name=NAME, version=__version__),
        "measurements": [_measurement(figure, value) for figure, value in group.figures],
        "qualitative_evaluations": [
            hd.sr.QualitativeEvaluation(name=coded(question), value=coded(answer)) for question, answer in group.answers
        ],
    }
    if group.segment is None:
        made = hd.sr.MeasurementsAndQualitativeEvaluations(**described)
    else:
        segment = _referenced(group.segment, content, seg)
        made = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **described)
    made[0].ContentSequence.extend(_comment(text) for text in group.comments)
    return made


def _referenced(segment: Segment, content: Content, seg: Any) -> hd.sr.ReferencedSegment:
    """Refer to a segment; highdicom's own way fails for label maps and for a single segment."""
    return hd.sr.ReferencedSegment(
        sop_class_uid=seg.SOPClassUID,
        sop_instance_uid=seg.SOPInstanceUID,
        segment_number=segment.number,
        source_series=hd.sr.SourceSeriesForSegmentation(content.acquisition.series_uid),
    )


def _measurement(figure: Figure, value: float) -> hd.sr.Measurement:
    derivation = None if figure.derivation is None else coded(figure.derivation)
    return hd.sr.Measurement(name=coded(figure.name), value=value, unit=coded(figure.unit), derivation=derivation)


def _comment(text: str) -> hd.sr.TextContentItem:
    contains = hd.sr.RelationshipTypeValues.CONTAINS
    return hd.sr.TextContentItem(name=coded(COMMENT), value=text, relationship_type=contains)


def _observer() -> hd.sr.ObservationContext:
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", __version__), name=NAME, manufacturer_name=NAME, model_name=NAME
    )
    observer = hd.sr.ObserverContext(
        observer_type=hd.sr.CodedConcept(value="121007", scheme_designator="DCM", meaning="Device"),
        observer_identifying_attributes=device,
    )
    return hd.sr.ObservationContext(observer_device_context=observer)


def _own_scheme() -> CodingSchemeIdentificationItem:
    return CodingSchemeIdentificationItem(
        designator=OWN_SCHEME, name=f"{NAME} concepts", version=__version__, responsible_organization=NAME
    )
