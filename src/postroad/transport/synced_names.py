"""The names in a folder, on disk: until then a power cut may take a file away that was moved there."""

import os
from pathlib import Path

from postroad.errors import OutcomeUnknown
from postroad.reply import Phase


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
