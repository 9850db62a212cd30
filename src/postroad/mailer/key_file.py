"""Private keys in files: read without ever showing a key that was given in the place of its file's name."""

import os
import re
import stat
from pathlib import Path
from typing import Final

from postroad.errors import ConfigurationError
from postroad.log import logger
from postroad.mailauth.dkim.keys import SigningKey, read_key

_log = logger("mailer")

# The base64 of a seed, or of DER, which begins with an M: no file is called that.
_KEY: Final = re.compile(r"\s*(?:[A-Za-z0-9+/]{43}=|M[A-Za-z0-9+/\s]{60,}=*)\s*")
_LARGE: Final = 1_000_000  # octets; no file of that size is a key


def key_in_file(path: str | os.PathLike[str], setting: str = "key") -> SigningKey:
    """The key in a file. That everybody on the machine may read it is logged as a warning.

    Raises:
        ConfigurationError: naming ``setting``: the file cannot be read, or holds no key.
    """
    name = os.fspath(path)
    if "-----" in name or _KEY.fullmatch(name):
        raise ConfigurationError(
            f"{setting}: this is a key itself, where the name of its file belongs", setting=setting,
            advice="Name the file that holds it, or a reference such as env:NAME; in Python, Secret(…) holds a key.",
        )  # fmt: skip
    try:
        with Path(name).open("rb") as file:
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                _log.warning("everybody on this machine can read the private key in %a", name)
            content = file.read(_LARGE)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise ConfigurationError(f"{setting}: cannot read {name!a:.200}: {reason}", setting=setting) from fault
    return read_key(content)
