"""A folder that mail is written into: made, and its names brought to disk. What file:// and maildir:// share."""

import os
from collections.abc import Iterable
from pathlib import Path

from postroad.errors import ConfigurationError, OutcomeUnknown, SendError
from postroad.reply import Phase


def make_folders(name: str, folders: Iterable[Path], *, mode: int = 0o777) -> None:
    """Make the folders that are not there; ``name`` is the route's.

    Raises:
        ConfigurationError: one cannot be made, or is none.
    """
    try:
        for folder in folders:
            folder.mkdir(mode=mode, exist_ok=True)
    except OSError as fault:
        reason = os.strerror(fault.errno or 0)
        raise ConfigurationError(f"{name}: cannot make the folder: {reason}", setting="url") from fault


def not_written(folder: Path, fault: OSError) -> SendError:
    """Why a message could not be stored."""
    return SendError(
        f"cannot write into {folder}: {fault.strerror or fault}",
        phase=Phase.STORE,
        advice="Check that the folder exists, may be written, and has room.",
    )


def sync_names(folder: Path) -> None:
    """Return when the names in the folder are on disk.

    Raises:
        OutcomeUnknown: the disk does not say so. What was moved there stands there, and readers may have taken it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as fault:
        message = f"written into {folder}, and it is not certain to stay there: {fault.strerror or fault}"
        raise OutcomeUnknown(message, phase=Phase.STORE) from fault
