"""Files that a command leaves behind: there when all of them was written, and not before."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """To write into; it takes its name at the end of the block, and is gone when the block fails.

    Raises: ClickException.
    """
    with _beside(path) as unfinished:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)


def require_room(path: Path) -> None:
    """Before something is done that only makes sense with its file. Raises: ClickException."""
    with _beside(path) as unfinished:
        unfinished.touch()


def copy_pieces(pieces: Iterable[bytes], file: BinaryIO) -> tuple[int, str]:
    """How many bytes were written, and their SHA-256."""
    size, digest = 0, hashlib.sha256()
    for piece in pieces:
        file.write(piece)
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name in the same folder that is gone afterwards."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
