"""Synthetic exams with known truth."""

from ccma_seg.phantom.chance import random_recipe
from ccma_seg.phantom.generation import Phantom, make_phantom
from ccma_seg.phantom.insertion import insert
from ccma_seg.phantom.pairs import make_pair, moved
from ccma_seg.phantom.recipe_files import parse_recipe, read_recipe, recipe_names
from ccma_seg.phantom.rough_chance import ROUGH_KINDS, rough_recipe
from ccma_seg.phantom.roughness import (
    CavityRoughness,
    CoreRoughness,
    NoduleRoughness,
    RimRoughness,
    RoughnessSpec,
    SurfaceRoughness,
)
from ccma_seg.phantom.spec import (
    AnatomySpec,
    AnnulusSpec,
    CavitySpec,
    ContrastSpec,
    CoreSpec,
    LeakSpec,
    LesionKind,
    LesionSpec,
    Recipe,
    RimSpec,
    ScannerSpec,
)
from ccma_seg.phantom.writing import write_phantom

__all__ = [
    "ROUGH_KINDS",
    "AnatomySpec",
    "AnnulusSpec",
    "CavityRoughness",
    "CavitySpec",
    "ContrastSpec",
    "CoreRoughness",
    "CoreSpec",
    "LeakSpec",
    "LesionKind",
    "LesionSpec",
    "NoduleRoughness",
    "Phantom",
    "Recipe",
    "RimRoughness",
    "RimSpec",
    "RoughnessSpec",
    "ScannerSpec",
    "SurfaceRoughness",
    "insert",
    "make_pair",
    "make_phantom",
    "moved",
    "parse_recipe",
    "random_recipe",
    "read_recipe",
    "recipe_names",
    "rough_recipe",
    "write_phantom",
]
