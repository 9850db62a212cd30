"""Where a database is: its URL, read and checked before anything is opened."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from postroad.errors import ConfigurationError

_FORMS: Final = (
    "sqlite:///relative.db, sqlite:////absolute/path.db, sqlite:///:memory: or postgresql://user:password@host/database"
)
_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")


@dataclass(frozen=True, slots=True)
class Location:
    """A database's place.

    ``server`` is the URL of a database on a PostgreSQL server, with its account. ``path`` is a SQLite file, absolute;
    where both are ``None`` it is a database in memory, which one process has to itself.
    """

    path: Path | None = None
    server: str | None = field(default=None, repr=False)

    @property
    def in_memory(self) -> bool:
        return self.path is None and self.server is None

    @property
    def on_server(self) -> bool:
        """Many machines may share it, and each of them may deliver."""
        return self.server is not None

    @property
    def url(self) -> str:
        """The URL that names the same database from every folder; a password is left out, so that it may be shown."""
        if self.server is not None:
            parts = urlsplit(self.server)
            return parts._replace(netloc=_without_password(parts), query="").geturl()
        return "sqlite:///:memory:" if self.path is None else f"sqlite:///{self.path}"

    def beside(self, suffix: str) -> Path | None:
        """The path of a companion file, such as a lock; only a file has them."""
        return None if self.path is None else self.path.with_name(f"{self.path.name}{suffix}")

    @property
    def name(self) -> str:
        """What to call it in an error message."""
        if self.server is not None:
            return f"the database {self.url}"
        return "the database in memory" if self.path is None else f"the database {self.path}"


def read_url(url: str) -> Location:
    """Read a URL in one of the forms of ``Location``.

    Raises:
        ConfigurationError: no such scheme, or not one of these forms. A URL's credentials are not repeated.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"the database URL is a str, not {type(url).__name__}", setting="url")
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ConfigurationError(f"the database URL has no scheme; write {_FORMS}", setting="url")
    if scheme in _POSTGRESQL:
        return Location(server=_server(rest))
    if scheme != "sqlite":
        raise ConfigurationError(f"no database is known by the scheme {scheme}://; write {_FORMS}", setting="url")
    return Location(_path(rest))


def _path(rest: str) -> Path | None:
    if rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/"):
        raise ConfigurationError(f"a sqlite:// URL names a file and no host; write {_FORMS}", setting="url")
    if "?" in rest:
        raise ConfigurationError("a sqlite:// URL takes no options", setting="url")
    # Whoever comes by a symbolic link must meet the same locks. A hard link to a database in use remains a mistake.
    return Path(rest[1:]).resolve()


def _server(rest: str) -> str:
    """The URL as PostgreSQL's own library reads it; what it makes of the options, it says when it connects."""
    parts = urlsplit(f"postgresql://{rest}")
    if "@" in parts.path:  # what was meant for the account would be taken for the host, and be shown
        sentence = "in a postgresql:// URL, a / or @ within the account, the password or the name is written %2F or %40"
        raise ConfigurationError(sentence, setting="url")
    if not unquote(parts.path.strip("/")):
        sentence = "a postgresql:// URL names the database after the host: postgresql://user:password@host/database"
        raise ConfigurationError(sentence, setting="url")
    return parts.geturl()


def _without_password(parts: SplitResult) -> str:
    account, at, host = parts.netloc.rpartition("@")
    return f"{account.partition(':')[0]}{at}{host}"
