"""The loggers of postroad: they print nothing of their own accord, and no mail address stands in them in full."""

import logging
import re
from typing import Final

_ROOT: Final = "postroad"
# An address as it stands among other words. What follows // is the user of a URL, and what ends in a port is an
# account: whoever runs a worker has to know which one it is.
# 64 octets: RFC 5321 §4.5.3.1.1
_LOCAL_PART: Final = r"""(?<![^\s<>()\[\]"'=:,;])[^\s<>()\[\]"'=:,;/@][^\s<>()\[\]"=:,;/@]{0,63}"""
_ADDRESS: Final = re.compile(_LOCAL_PART + r"@(?=[\w.-]+(?![\w.@-]|:\d))")

_AS_USUAL: Final = logging.Formatter()

# Else Python prints what nobody listens to on standard error.
logging.getLogger(_ROOT).addHandler(logging.NullHandler())


class _WithoutAddresses(logging.Filter):
    """Replies of servers repeat the recipient, and logs are kept longer and read by more people than the outbox."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        shown = without_addresses(message)
        if shown != message:  # else the template is left for those who count by it
            record.msg, record.args = shown, ()
        if record.exc_info:  # handlers that print take what stands here
            record.exc_text = without_addresses(_AS_USUAL.formatException(record.exc_info))
        return True


def without_addresses(text: str) -> str:
    """The text with ``***`` for the local part of each mail address."""
    return _ADDRESS.sub("***@", text)


def logger(part: str) -> logging.Logger:
    """The logger ``postroad.part``."""
    found = logging.getLogger(f"{_ROOT}.{part}")
    if not any(isinstance(one, _WithoutAddresses) for one in found.filters):
        found.addFilter(_WithoutAddresses())
    return found
