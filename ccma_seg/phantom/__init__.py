"""Synthetic exams with known truth."""

from ccma_seg.phantom.chance import random_recipe
from ccma_seg.phantom.generation import Phantom, make_phantom
from ccma_seg.phantom.insertion import insert
from ccma_seg.phantom.pairs import make_pair, moved
from ccma_seg.phantom.recipe_files import parse_recipe, read_recipe, recipe_names
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
    "AnatomySpec",
    "AnnulusSpec",
    "CavitySpec",
    "ContrastSpec",
    "CoreSpec",
    "LeakSpec",
    "LesionKind",
    "LesionSpec",
    "Phantom",
    "Recipe",
    "RimSpec",
    "ScannerSpec",
    "insert",
    "make_pair",
    "make_phantom",
    "moved",
    "parse_recipe",
    "random_recipe",
    "read_recipe",
    "recipe_names",
    "write_phantom",
]
