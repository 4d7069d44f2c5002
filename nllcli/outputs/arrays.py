"""Arrays that go to a file block by block, in the shape and memory order of the input."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from nllcli.errors import Remedy, UsageError
from nllcli.outputs.array_text import CsvWriter
from nllcli.outputs.array_writer import ArrayWriter
from nllcli.outputs.files import StrPath, faults, is_replaceable, replace_file, shown
from nllcli.outputs.npy import PipedNpy, PlacedNpy


@contextmanager
def open_array(
    path: StrPath,
    *,
    shape: tuple[int | None, ...],
    class_axis: int | None = None,
    fortran: bool = False,
    dtype: str = "f8",
    columns: Sequence[str] | None = None,
    format: str | None = None,
) -> Iterator[ArrayWriter]:
    """Yield a writer of an array of ``shape``, in ``format``, "npy" or "csv" (None: by the extension of ``path``).

    With a ``class_axis`` each sample brings one value a class, without it a single value. Samples are numbered in file
    order, as ``fortran`` has it. A first entry of None in ``shape`` is counted. ``columns`` is the header of a .csv
    file. The file appears when the array is whole, and not at all otherwise.
    """
    kind = _kind(path, format)
    writer = kind(path, shape, class_axis, fortran, np.dtype(dtype), columns)
    writer.check()
    with replace_file(path) as file:
        with faults(path):
            writer.begin(file)
        yield writer
        with faults(path):
            writer.finish()


def _kind(path: StrPath, format: str | None) -> type[ArrayWriter]:
    npy = PlacedNpy if is_replaceable(path) else PipedNpy
    kinds: dict[str, type[ArrayWriter]] = {".npy": npy, ".csv": CsvWriter}
    suffix = Path(path).suffix.lower() if format is None else f".{format}"
    if not suffix and npy is PipedNpy:
        return npy  # a device or a pipe has no extension
    if suffix not in kinds:
        meanings = {".npy": "for NumPy, every bit", ".csv": "as text"}
        raise UsageError(
            f"arrays are written as {' or '.join(kinds)}, not as {suffix or 'a file without an extension'}",
            where=shown(path),
            remedies=[
                Remedy(files={str(path): str(Path(path).with_suffix(extension))}, meaning=meaning)
                for extension, meaning in meanings.items()
            ],
        )
    return kinds[suffix]
