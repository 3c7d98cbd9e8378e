"""The coded concepts of the DICOM objects; what no public scheme names has a code of our own."""

from typing import NamedTuple

from ccma_seg.anatomy import BLOOD_POOL_LA, BLOOD_POOL_LV
from ccma_seg.classification import Verdict
from ccma_seg.lesion import ANNULAR_CALCIUM, CAVITY, CORE, LEAK, RIM

OWN_SCHEME = "99CCMASEG"
"""Private coding scheme designators begin with 99 (DICOM PS3.3, 8.2)."""


class Concept(NamedTuple):
    """A code, in the order of highdicom's `CodedConcept`."""

    value: str
    scheme: str
    meaning: str


def own(value: str, meaning: str) -> Concept:
    """Return a concept of our own scheme."""
    return Concept(value, OWN_SCHEME, meaning)


MITRAL_ANNULUS = Concept("65197004", "SCT", "Mitral annulus")
MASS = Concept("4147007", "SCT", "Mass")
CALCIFICATION = Concept("18115005", "SCT", "Pathologic calcification, calcified structure")
COMMENT = Concept("121106", "DCM", "Comment")
FINDING = Concept("121071", "DCM", "Finding")
CT = Concept("25045-6", "LN", "CT unspecified body region")
EDGE_DETECTION = Concept("123103", "DCM", "Edge Detection")

_ABNORMAL = Concept("49755003", "SCT", "Morphologically Abnormal Structure")
_ANATOMICAL = Concept("91723000", "SCT", "Anatomical Structure")
_SUBSTANCE = Concept("91720002", "SCT", "Body Substance")
_NECROSIS = Concept("6574001", "SCT", "Necrosis")
_CONTRAST = Concept("7140000", "SCT", "Contrast agent")


class Property(NamedTuple):
    """What a label stands for."""

    category: Concept
    kind: Concept
    site: Concept | None
    """The anatomic region it lies in; None where it is one itself."""


PROPERTIES: dict[int, Property] = {
    ANNULAR_CALCIUM: Property(_ABNORMAL, CALCIFICATION, MITRAL_ANNULUS),
    RIM: Property(_ABNORMAL, CALCIFICATION, MITRAL_ANNULUS),
    CORE: Property(_ABNORMAL, _NECROSIS, MITRAL_ANNULUS),
    CAVITY: Property(_SUBSTANCE, _CONTRAST, MITRAL_ANNULUS),
    LEAK: Property(_ABNORMAL, _NECROSIS, MITRAL_ANNULUS),
    BLOOD_POOL_LV: Property(_ANATOMICAL, Concept("87878005", "SCT", "Left ventricle"), None),
    BLOOD_POOL_LA: Property(_ANATOMICAL, Concept("82471001", "SCT", "Left atrium"), None),
}
"""By label; for caseous material necrosis is the nearest that SNOMED CT has."""

VERDICT = own("verdict", "Verdict of the rules")
SECTOR = own("sector", "Sector of the mitral annulus")

VERDICTS: dict[Verdict, Concept] = {
    Verdict.NO_CALCIFICATION: own("none", "No calcification of the mitral annulus"),
    Verdict.MAC: own("mac", "Calcification of the mitral annulus (MAC)"),
    Verdict.OTHER: own("other", "Calcified, but not a calcification of the mitral annulus"),
    Verdict.INDETERMINATE: own("indeterminate", "Indeterminate: the images do not decide"),
    Verdict.CCMA: own("ccma", "Caseous mitral annular calcification, no CT sign of rupture"),
    Verdict.CCMA_RUPTURE_NOT_ASSESSABLE: own(
        "ccma_unassessable", "Caseous mitral annular calcification, rupture not assessable"
    ),
    Verdict.CCMA_POSSIBLE_RUPTURE: own("ccma_possible", "Caseous mitral annular calcification, rupture possible"),
    Verdict.RUPTURED_CCMA: own("ccma_ruptured", "Ruptured caseous mitral annular calcification"),
}
"""Code meanings have at most 64 characters."""
