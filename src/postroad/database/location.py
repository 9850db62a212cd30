"""Where a database is: its URL, read and checked before anything is opened."""

from dataclasses import dataclass
from pathlib import Path

from postroad.errors import ConfigurationError

_FORMS = "sqlite:///relative.db, sqlite:////absolute/path.db or sqlite:///:memory:"


@dataclass(frozen=True, slots=True)
class Location:
    """A database's place. ``path`` is absolute; ``None`` is a database in memory, which one process has to itself."""

    path: Path | None

    @property
    def url(self) -> str:
        """The URL that names the same database from every folder."""
        return "sqlite:///:memory:" if self.path is None else f"sqlite:///{self.path}"

    def beside(self, suffix: str) -> Path | None:
        """The path of a companion file, such as a lock; a database in memory has none."""
        return None if self.path is None else self.path.with_name(f"{self.path.name}{suffix}")

    @property
    def name(self) -> str:
        """What to call it in an error message."""
        return "the database in memory" if self.path is None else f"the database {self.path}"


def read_url(url: str) -> Location:
    """Read ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite:///:memory:`` or ``sqlite://``.

    Raises:
        ConfigurationError: no such scheme, or not one of these forms. A URL's credentials are not repeated.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"the database URL is a str, not {type(url).__name__}", setting="url")
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ConfigurationError(f"the database URL has no scheme; write {_FORMS}", setting="url")
    if scheme != "sqlite":
        raise ConfigurationError(_unknown(scheme), setting="url")
    return Location(_path(rest))


def _unknown(scheme: str) -> str:
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        return f"databases at {scheme}:// are not available in this version of postroad; write {_FORMS}"
    return f"no database is known by the scheme {scheme}://; write {_FORMS}"


def _path(rest: str) -> Path | None:
    if rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/"):
        raise ConfigurationError(f"a sqlite:// URL names a file and no host; write {_FORMS}", setting="url")
    if "?" in rest:
        raise ConfigurationError("a sqlite:// URL takes no options", setting="url")
    # Whoever comes by a symbolic link must meet the same locks. A hard link to a database in use remains a mistake.
    return Path(rest[1:]).resolve()
