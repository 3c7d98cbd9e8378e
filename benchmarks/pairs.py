"""Two phases of one exam and follow-up exams, on random masses in synthetic hearts.

Enhancement against none, verdicts with a phase without contrast (thin, and 3 mm), masses that moved against their
heart, other patients refused, and growth.

Run: OMP_NUM_THREADS=1 python -m benchmarks.pairs --masses 4 --hearts 3 --jobs 2 > benchmarks/pairs.md
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, permutations

import numpy as np

import ccma_seg as ccma
from ccma_seg.anatomy import locate
from ccma_seg.calcium import find_calcium
from ccma_seg.lesion import segment
from ccma_seg.phantom import (
    CavitySpec,
    ContrastSpec,
    CoreSpec,
    LesionSpec,
    Phantom,
    RimSpec,
    insert,
    make_phantom,
    moved,
    read_recipe,
)
from ccma_seg.phases import PhaseParams, fit_phase
from ccma_seg.phases.pairing import pair_up, rim_seen
from ccma_seg.volume import Volume

THIN = replace(read_recipe("demo").scanner, matrix=256, slices=120, slice_spacing_mm=1.0)
THICK = replace(THIN, slices=40, slice_spacing_mm=3.0, slice_thickness_mm=3.0, kernel="soft")
GROWTH = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5)


def random_mass(rng: np.random.Generator) -> LesionSpec:
    """Draw a mass: soft or dense, intact or filled."""
    long_mm = rng.uniform(20, 40)
    filled = rng.random() < 0.35
    return LesionSpec(
        angle_deg=rng.uniform(-50, 50),
        outward_mm=rng.uniform(2, 4),
        long_axis_mm=long_mm,
        short_axis_mm=long_mm / rng.uniform(1.2, 1.6),
        rim=RimSpec(thickness_mm=rng.uniform(1.6, 3), hu=rng.uniform(800, 1300), coverage_pct=rng.uniform(85, 100)),
        core=CoreSpec(hu=rng.uniform(30, 120) if filled else rng.uniform(40, 450), texture_sd_hu=15.0),
        cavity=CavitySpec(fraction=rng.uniform(0.3, 0.7), neck_mm=rng.uniform(3, 4)) if filled else CavitySpec(),
    )


Heart = tuple[Phantom, Phantom, Phantom]
"""With contrast, and without on thin and on thick slices."""


def make_heart(number: int) -> Heart:
    """Make a heart without a mass in three ways."""
    seed = number + 1
    recipe = replace(read_recipe("normal"), scanner=THIN)
    bare = replace(recipe, contrast=ContrastSpec(state="none"))
    return (
        make_phantom(recipe, seed=seed),
        make_phantom(bare, seed=seed, noise_seed=seed + 50),
        make_phantom(replace(bare, scanner=THICK), seed=seed, noise_seed=seed + 90),
    )


def with_mass(heart: Phantom, spec: LesionSpec, name: str, *, seed: int) -> Volume:
    """Put a mass into a heart, as another series."""
    volume = insert(heart.volume, heart.annulus, spec, seed=seed).volume
    return replace(volume, acquisition=replace(volume.acquisition, series_uid=f"1.{seed}.{name}", study_uid=name))


def phase_rows(number: int, masses: int) -> list[dict[str, object]]:
    """Analyse each mass of a heart with each second phase, the patient having moved."""
    contrast, thin, thick = make_heart(number)
    rng = np.random.default_rng((11, number))
    rows: list[dict[str, object]] = []
    for k in range(masses):
        spec = random_mass(rng)
        seed = 100 * number + k + 1
        first = with_mass(contrast, spec, "1", seed=seed)
        shift = tuple(float(v) for v in rng.uniform(-6, 6, 3))
        for name, other in (("1 mm", thin), ("3 mm", thick)):
            second = moved(with_mass(other, spec, "2", seed=seed), shift_mm=shift, turn_deg=float(rng.uniform(-4, 4)))
            found = ccma.analyze(first, second_phase=second)
            mass = found.masses[0].measurements if found.masses else None
            rows.append(
                {
                    "second": name,
                    "filled": spec.cavity.fraction > 0,
                    "core_hu": spec.core.hu,
                    "aligned": found.second_phase is not None and found.second_phase.alignment is not None,
                    "enhancement_hu": None if mass is None else mass.core.enhancement_hu,
                    "width_hu": None if mass is None else mass.uncertainty.get("core.enhancement_hu"),
                    "verdict": str(found.verdict),
                    "expected": "ruptured_ccma" if spec.cavity.fraction > 0 else "ccma",
                }
            )
    return rows


def moved_rows(number: int, masses: int) -> list[tuple[float, float, float]]:
    """Move each mass against its heart; return by how much, the error of its alignment, and the share of rim seen."""
    heart = make_heart(number)[0]
    rng = np.random.default_rng((17, number))
    rows = []
    for k in range(masses):
        spec, shift = random_mass(rng), rng.uniform(-5, 5, 3)
        ring = heart.annulus
        there = replace(ring, center_mm=tuple(ring.center_mm + shift), curve_mm=ring.curve_mm + shift)
        seed = 100 * number + k + 1
        first, second = (insert(heart.volume, at, spec, seed=seed).volume for at in (ring, there))
        anatomy = locate(first, annulus=ring)
        for lesion in segment(first, anatomy, find_calcium(first, anatomy))[:1]:
            fit = fit_phase(first, second, (anatomy, anatomy))
            pair = pair_up(first, anatomy, lesion, fit, phases=PhaseParams())
            if pair is not None:
                center = np.array(lesion.envelope.center_mm)
                off = pair.alignment.to_second(center) - center - shift
                rows.append((float(np.linalg.norm(shift)), float(np.linalg.norm(off)), rim_seen(lesion, pair)))
    return rows


def refused_rows(count: int) -> Iterator[bool]:
    """Give each heart the phases of every other."""
    made = [make_heart(number) for number in range(count)]
    anatomies = [[locate(phantom.volume) for phantom in three] for three in made]
    for i, j in permutations(range(len(made)), 2):
        for k in (1, 2):
            fit = fit_phase(made[i][0].volume, made[j][k].volume, (anatomies[i][0], anatomies[j][k]))
            yield fit.alignment is None


def growth_rows(number: int, masses: int) -> list[tuple[float, str, float | None]]:
    """Scan each mass again after it has grown or shrunk, with contrast both times."""
    contrast = make_heart(number)[0]
    rng = np.random.default_rng((13, number))
    rows: list[tuple[float, str, float | None]] = []
    for k in range(masses):
        spec = replace(random_mass(rng), cavity=CavitySpec())
        seed = 100 * number + k + 1
        baseline = ccma.analyze(with_mass(contrast, spec, "1", seed=seed))
        for factor in GROWTH:
            scale = factor ** (1 / 3)
            sizes = {"long_axis_mm": spec.long_axis_mm * scale, "short_axis_mm": spec.short_axis_mm * scale}
            followup = ccma.analyze(with_mass(contrast, replace(spec, **sizes), "2", seed=seed + 50))
            lesion = (ccma.compare(baseline, followup, kind="follow_up").lesions or ({"change": "none"},))[0]
            volume = next((q for q in lesion.get("quantities", ()) if q["quantity"] == "volume_mm3"), None)
            rows.append((factor, str(lesion["change"]), None if volume is None else volume["difference_pct"]))
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masses", type=int, default=6, help="in each heart")
    parser.add_argument("--hearts", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        tasks = [pool.map(partial(of, masses=given.masses), range(given.hearts)) for of in (phase_rows, growth_rows)]
        shifted = pool.map(partial(moved_rows, masses=given.masses), range(given.hearts))
        refused = list(refused_rows(given.hearts))
        phases, growth = (list(chain.from_iterable(rows)) for rows in tasks)
        moves = list(chain.from_iterable(shifted))
    print("# Two phases, and follow-up, on synthetic hearts\n")
    print(f"{given.masses} random masses in each of {given.hearts} hearts; slices of 1 mm with contrast.\n")
    print_phases(phases)
    print(f"\nPhases of another patient: {sum(refused)} of {len(refused)} refused.\n")
    apart, off, seen = np.array(moves).T
    print(
        f"Moved by {apart.min():.0f} to {apart.max():.0f} mm against their heart, {len(moves)} masses are found within "
        f"{np.median(off):.2f} mm (median; {off.max():.2f} at most), with {seen.min():.0%} of their rim or more.\n"
    )
    print_growth(growth)


def print_phases(rows: list[dict[str, object]]) -> None:
    print("| second phase | pairs | aligned | bias HU | largest HU | within their width | verdict right |")
    print("|---|---|---|---|---|---|---|")
    for name in ("1 mm", "3 mm"):
        own = [row for row in rows if row["second"] == name]
        hu = np.array([(r["enhancement_hu"], r["width_hu"]) for r in own if r["enhancement_hu"] is not None], float)
        right = sum(r["verdict"] == r["expected"] for r in own)
        print(
            f"| without contrast, {name} | {len(own)} | {sum(bool(r['aligned']) for r in own)} "
            f"| {hu[:, 0].mean():+.1f} | {np.abs(hu[:, 0]).max():.1f} "
            f"| {int((np.abs(hu[:, 0]) <= hu[:, 1]).sum())} of {len(hu)} "
            f"| {right} of {len(own)} |"
        )
    for row in rows:
        if row["verdict"] != row["expected"]:
            print(f"\nNot right: {row}")


def print_growth(growth: list[tuple[float, str, float | None]]) -> None:
    print("| true volume | increased | unchanged | decreased | other | measured change, mean |")
    print("|---|---|---|---|---|---|")
    for factor in GROWTH:
        own = [(kind, pct) for f, kind, pct in growth if f == factor]
        counts = [sum(kind == name for kind, _ in own) for name in ("increased", "unchanged", "decreased")]
        mean = np.mean([pct for _, pct in own if pct is not None])
        cells = [*counts, len(own) - sum(counts)]
        print(f"| {100 * (factor - 1):+.0f} % | {' | '.join(map(str, cells))} | {mean:+.1f} % |")


if __name__ == "__main__":
    main()
