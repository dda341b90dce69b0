"""The data of the case studies as files: images in the IDX format of MNIST, and colours with their names as CSV.

The readers take files as they are found in the world, and say what is wrong with one that they cannot use. The writers
make files of the same formats out of data that scikit-learn and matplotlib bring along, so that nothing has to be
downloaded.
"""

from __future__ import annotations

import csv
import gzip
import math
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np


class DataFileError(ValueError):
    """A file is not what its reader expects; the message names the file and says what is wrong with it."""


# ---------------------------------------------------------------------------------------------------------------- IDX

# A file is two zero bytes, a code for the type, the number of axes, the length of each axis as a big-endian 32-bit
# integer, and then the elements, also big-endian. Described at the end of Yann LeCun's page on MNIST.
_IDX_TYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}


class Images(NamedTuple):
    """Pictures, `[number, height, width]` bytes, and what each shows, `[number]` bytes."""

    images: np.ndarray
    labels: np.ndarray


class ImageSets(NamedTuple):
    """The four files of MNIST, or of anything that is stored as MNIST is."""

    train: Images
    test: Images


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file.

    `path` may be compressed (`.gz`), and may be given with or without that ending.

    Raises:
        FileNotFoundError: there is neither `path` nor `path` with `.gz`.
        DataFileError: the file is not IDX (a wrong magic number), is cut short, is too long, or is damaged.
    """
    path = _existing(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataFileError(f"{path} is cut short or damaged: {error}") from error

    if len(content) < 4:
        raise DataFileError(f"{path} is cut short: it has {len(content)} bytes, and the magic number alone takes 4")
    zeros, code, axes = struct.unpack(">HBB", content[:4])
    if zeros != 0 or code not in _IDX_TYPES:
        raise DataFileError(
            f"{path} is not an IDX file: its magic number is 0x{content[:4].hex()}, "
            "where 0x00000801 begins a file of labels and 0x00000803 a file of images"
        )
    start = 4 + 4 * axes
    if len(content) < start:
        raise DataFileError(f"{path} is cut short: it ends within the lengths of its {axes} axes")
    shape = struct.unpack(f">{axes}I", content[4:start])
    dtype = _IDX_TYPES[code]
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        problem = "is cut short" if found < expected else "is too long"
        raise DataFileError(
            f"{path} {problem}: an array of {list(shape)} takes {expected} bytes, and {found} are there"
        )
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array as an IDX file, compressed where `path` ends in `.gz`.

    Raises:
        DataFileError: the format has no code for the array's dtype, or it has more than 255 axes.
    """
    codes = {dtype.newbyteorder("="): code for code, dtype in _IDX_TYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DataFileError(f"{path}: the IDX format has no {array.dtype}, only {', '.join(map(str, codes))}")
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    content = header + array.astype(_IDX_TYPES[code]).tobytes()
    # The same array gives the same file: no time of day goes into the compressed one.
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def read_images(directory: Path) -> ImageSets:
    """Training and test images from a folder with the four files of MNIST, compressed or not.

    Raises:
        FileNotFoundError: one of the files is missing.
        DataFileError: a file cannot be read, or images and labels do not belong together.
    """
    return ImageSets(train=_read_image_set(directory, "train"), test=_read_image_set(directory, "t10k"))


def _read_image_set(directory: Path, prefix: str) -> Images:
    images_file, labels_file = directory / f"{prefix}-images-idx3-ubyte", directory / f"{prefix}-labels-idx1-ubyte"
    images, labels = read_idx(images_file), read_idx(labels_file)
    for file, array, axes, magic in [(images_file, images, 3, "0x00000803"), (labels_file, labels, 1, "0x00000801")]:
        if array.ndim != axes or array.dtype != np.uint8:
            raise DataFileError(
                f"{file} holds an array of {array.ndim} axes of {array.dtype}; "
                f"a file with the magic number {magic} was expected"
            )
    if len(images) != len(labels):
        raise DataFileError(f"{images_file} holds {len(images)} images, and {labels_file} {len(labels)} labels")
    return Images(images, labels)


def write_digits(directory: Path) -> None:
    """Write scikit-learn's 1797 handwritten digits, 8 by 8 pixels, as the four files of MNIST."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels.astype(np.uint8), test_size=0.2, random_state=0, stratify=labels
    )
    directory.mkdir(parents=True, exist_ok=True)
    write_idx(directory / "train-images-idx3-ubyte.gz", train_images)
    write_idx(directory / "train-labels-idx1-ubyte.gz", train_labels)
    write_idx(directory / "t10k-images-idx3-ubyte.gz", test_images)
    write_idx(directory / "t10k-labels-idx1-ubyte.gz", test_labels)


def _existing(path: Path) -> Path:
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    for candidate in (path, other):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no file {path}, nor {other.name} beside it")


# ------------------------------------------------------------------------------------------------------------ colours

_COLOUR_COLUMNS = ["color_name", "red", "green", "blue"]


class Colour(NamedTuple):
    """A colour as a person calls it, and as a screen shows it: 0 to 255 for each component."""

    name: str
    red: int
    green: int
    blue: int


def read_colours(path: Path) -> list[Colour]:
    """The colours in a CSV file with the columns `color_name`, `red`, `green` and `blue`.

    Raises:
        FileNotFoundError: there is no such file.
        DataFileError: a column is missing, or a line holds something else; the message has the line's number.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [column for column in _COLOUR_COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise DataFileError(f"{path} has no column {' and no column '.join(missing)} in its first line")
        colours = [_colour(path, reader.line_num, row) for row in reader]
    if not colours:
        raise DataFileError(f"{path} holds no colours")
    return colours


def _colour(path: Path, line: int, row: dict[str, str]) -> Colour:
    name = (row["color_name"] or "").strip()
    if not name:
        raise DataFileError(f"{path}, line {line}: the colour has no name")
    components = []
    for column in _COLOUR_COLUMNS[1:]:
        text = row[column]
        if text is None or not text.strip().isdecimal() or int(text) > 255:
            raise DataFileError(f"{path}, line {line}: {column} is {text!r}, and not a whole number from 0 to 255")
        components.append(int(text))
    return Colour(name, *components)


def write_colours(path: Path, colours: Iterable[Colour]) -> None:
    """Write colours as CSV, with a line of column names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLOUR_COLUMNS)
        writer.writerows(colours)


def write_xkcd_colours(directory: Path) -> None:
    """Write the 949 colours that the readers of xkcd named, as `train.csv` and, every tenth of them, `test.csv`."""
    from matplotlib.colors import XKCD_COLORS

    colours = []
    for name, code in sorted(XKCD_COLORS.items()):
        red, green, blue = bytes.fromhex(code.removeprefix("#"))
        colours.append(Colour(name.removeprefix("xkcd:"), red, green, blue))
    directory.mkdir(parents=True, exist_ok=True)
    write_colours(directory / "train.csv", [colour for i, colour in enumerate(colours) if i % 10 != 0])
    write_colours(directory / "test.csv", colours[::10])
