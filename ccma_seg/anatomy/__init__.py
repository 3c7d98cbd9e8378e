"""From a volume to the heart, its blood pools and the mitral annulus."""

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.chambers import read_chambers
from ccma_seg.anatomy.findings import BLOOD_POOL_LA, BLOOD_POOL_LV, Anatomy, Contrast, ContrastState
from ccma_seg.anatomy.given import read_annulus
from ccma_seg.anatomy.location import LocateParams, locate
from ccma_seg.anatomy.markups import write_annulus

__all__ = [
    "BLOOD_POOL_LA",
    "BLOOD_POOL_LV",
    "Anatomy",
    "Contrast",
    "ContrastState",
    "LocateParams",
    "MitralAnnulus",
    "locate",
    "read_annulus",
    "read_chambers",
    "write_annulus",
]
