"""``keyring:service/user``: the keyring of the desktop or the system, by the keyring library."""

from postroad.net.secrets.finding import Finding, missing
from postroad.secret import Reference


def read_keyring(reference: Reference) -> Finding:
    """The password that the keyring holds for a service's user.

    Raises:
        MissingExtra: keyring is not installed.
    """
    try:
        import keyring  # late: it looks for its backends, and is an extra
        import keyring.errors
    except ModuleNotFoundError:
        raise missing(reference, "keyring", "keyring") from None
    try:
        password = keyring.get_password(reference.name, reference.key)
    except keyring.errors.KeyringError as fault:
        return Finding(None, f"the keyring cannot be read: {str(fault) or type(fault).__name__}")
    if password is None:
        return Finding(None, f"the keyring holds nothing for the user {reference.key!r} of {reference.name!r}")
    return Finding.found(password)
