"""An outbox that a command is given must outlive it."""

from postroad.errors import ConfigurationError


def require_lasting(url: str) -> None:
    """Refuse a database in memory, as an outbox names it: it ends with the command, and its mail with it.

    Raises:
        ConfigurationError: it is one.
    """
    if url == "sqlite:///:memory:":
        raise ConfigurationError(
            "an outbox in memory ends with this command, and the mail in it is lost", setting="db",
            advice="Name a file, as in sqlite:///mail.db, or sqlite:////var/lib/postroad/mail.db with its whole path.",
        )  # fmt: skip
