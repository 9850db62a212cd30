"""What a mail program's exit status means (``sysexits.h``, as sendmail and its descendants use it). Pure.

A status other than 0 says that the program has not taken the message. What is for good is told in the words of SMTP,
with the enhanced codes that mean the same (RFC 3463 §3), so that it is classified like a server's refusal.
"""

from typing import Final

from postroad.errors import ConfigurationError, DataError, PostroadError, RecipientsRefused, SenderRefused, SendError
from postroad.reply import Code, EnhancedCode, Phase, Reply

_CONFIGURATION: Final = {
    64: "it does not understand its arguments",  # EX_USAGE
    78: "its configuration is wrong",  # EX_CONFIG
}
_FOR_GOOD: Final[dict[int, tuple[type[SendError], int, EnhancedCode]]] = {
    65: (DataError, 554, EnhancedCode(5, 6, 0)),  # EX_DATAERR
    66: (DataError, 554, EnhancedCode(5, 6, 0)),  # EX_NOINPUT
    67: (RecipientsRefused, 550, EnhancedCode(5, 1, 1)),  # EX_NOUSER
    68: (RecipientsRefused, 550, EnhancedCode(5, 1, 2)),  # EX_NOHOST
    77: (SenderRefused, 550, EnhancedCode(5, 7, 1)),  # EX_NOPERM
}


def fault_of(status: int, program: str, printed: str) -> PostroadError:
    """The error of a program that ended with a status above 0, having ``printed`` that.

    EX_TEMPFAIL and everything that is not known to be for good may be tried again: nothing was taken.
    """
    message = f"{program} ended with status {status}{f': {printed}' if printed else ''}"
    if (reason := _CONFIGURATION.get(status)) is not None:
        return ConfigurationError(f"{message}; {reason}", setting="url", phase=Phase.DATA)
    if status not in _FOR_GOOD:
        return SendError(message, phase=Phase.DOT)
    kind, code, enhanced = _FOR_GOOD[status]
    return kind(message, reply=Reply(Code(code), (printed or f"exit status {status}",), enhanced), phase=Phase.DOT)
