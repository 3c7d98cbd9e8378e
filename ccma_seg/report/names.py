"""What the labels are called and how they are coloured, for the programs that open `labels.nii.gz`."""

from ccma_seg.report.labels import LABEL_COLORS, LABEL_NAMES


def itk_snap_labels() -> str:
    """Return a label description file: Segmentation > Import Label Descriptions in ITK-SNAP.

    Its columns are index, red, green, blue, opacity, visibility in slices and in 3D, name.
    """
    rows = ['    0     0    0    0        0  0  0    "none"']
    for label, name in LABEL_NAMES.items():
        red, green, blue = rgb(label)
        rows.append(f'{label:>5} {red:>5} {green:>4} {blue:>4}        1  1  1    "{name}"')
    return "# ITK-SnAP Label Description File\n" + "\n".join(rows) + "\n"


def slicer_colors() -> str:
    """Return a colour table for 3D Slicer, to be chosen where `labels.nii.gz` is added as a segmentation.

    Its columns are index, name, red, green, blue, opacity; an underscore stands for a space.
    """
    rows = ["0 none 0 0 0 0"]
    for label, name in LABEL_NAMES.items():
        rows.append(" ".join(map(str, (label, name.replace(" ", "_"), *rgb(label), 255))))
    return "# Color table\n" + "\n".join(rows) + "\n"


def rgb(label: int) -> tuple[int, int, int]:
    """Return the colour of a label as red, green, blue, 0-255."""
    red, green, blue = bytes.fromhex(LABEL_COLORS[label].removeprefix("#"))
    return red, green, blue
