"""A folder of DKIM keys with their states: what ``postroad dkim rotate`` keeps, and a worker signs with.

For each key there is ``DOMAIN/SELECTOR.json``, which says where it stands, and beside it ``SELECTOR.pem``, readable by
its owner alone. A file is replaced whole, by renaming, so a worker that reads meanwhile sees the old or the new.
"""

import json
import os
from pathlib import Path
from typing import BinaryIO, Final

from postroad.clock import as_datetime
from postroad.errors import ConfigurationError
from postroad.mailauth.dkim.keys import KeyKind, SigningKey, generate, read_key
from postroad.mailauth.dkim.rotation import KeptKey, KeyState
from postroad.mailauth.domain_name import domain_name
from postroad.mailer.dkim import Dkim

_PRIVATE: Final = 0o600
_LIMIT: Final = 100_000  # octets of a file in the folder


class KeyFolder:
    """The keys below one folder. Nothing is kept in memory."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder)

    def keys(self, domain: str | None = None) -> tuple[KeptKey, ...]:
        """Every key, or those of a domain, by domain and selector.

        Raises:
            ConfigurationError: the folder or a file in it cannot be read.
        """
        if not self.path.is_dir():
            return ()
        return tuple([_read(file) for file in self._files(domain or "*", ".json")])

    def selectors(self, domain: str) -> frozenset[str]:
        """All that were ever used for a domain, also where only a private key is left of one that was being made."""
        return frozenset(file.stem for suffix in (".json", ".pem") for file in self._files(domain, suffix))

    def is_revoked(self, domain: str, selector: str) -> bool:
        """Whether this key is known to be revoked; not where that cannot be read."""
        try:
            return _read(self.path / domain / f"{selector}.json").state is KeyState.REVOKED
        except ConfigurationError:
            return False

    def clear(self, domain: str) -> None:
        """Delete what an end at the wrong moment left of keys that are revoked.

        Raises:
            ConfigurationError: the folder cannot be read or written.
        """
        for key in self.keys(domain):
            if key.state is KeyState.REVOKED and self._private(key).exists():
                self.put(key)

    def _files(self, domain: str, suffix: str) -> list[Path]:
        """Those in folders that are called like a domain; others, as versioning and backups make them, are not ours."""
        files = sorted(self.path.glob(f"{domain}/*{suffix}"))
        return [file for file in files if domain_name(file.parent.name) == file.parent.name]

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """What differs when a key was made or moved; ``()`` where the folder cannot be read."""
        try:
            return tuple([(str(file), file.stat().st_mtime_ns) for file in self._files("*", ".json")])
        except OSError:
            return ()

    def signing(self) -> tuple[Dkim, ...]:
        """The keys that sign now.

        Raises:
            ConfigurationError: none does, or a file cannot be read.
        """
        active = [key for key in self.keys() if key.state is KeyState.ACTIVE]
        if not active:
            raise ConfigurationError(
                f"dkim: no key in {str(self.path)!a:.200} is active", setting="dkim",
                advice="Make one, publish its record, and let `postroad dkim rotate` see it.",
            )  # fmt: skip
        return tuple([Dkim(key.domain, key.selector, self._private(key)) for key in active])

    def make(self, domain: str, selector: str, kind: KeyKind, at: float) -> KeptKey:
        """A new key.

        Raises:
            ConfigurationError: there is one of that name, or the folder cannot be written.
        """
        key = KeptKey(domain, selector, kind, KeyState.NEW, at)
        try:
            self._private(key).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._private(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        except OSError as fault:
            raise _unwritable(self._private(key), fault) from fault
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write(file, generate(kind).pem())
        except OSError as fault:
            self._private(key).unlink()  # a part of a key is none, and would stand in the way of the next one
            raise _unwritable(self._private(key), fault) from fault
        self.put(key)  # and with it, the name of the private key is on disk before its record is shown
        return key

    def put(self, key: KeptKey) -> None:
        """Write down where a key stands; the private part of a revoked one is deleted.

        Raises:
            ConfigurationError: the folder cannot be written.
        """
        file = self._private(key).with_suffix(".json")
        text = json.dumps({"kind": key.kind, "state": key.state, "since": key.since}) + "\n"
        try:
            new = file.with_suffix(".new")
            with new.open("wb") as opened:
                _write(opened, text.encode("ascii"))
            new.replace(file)
            if key.state is KeyState.REVOKED:
                self._private(key).unlink(missing_ok=True)
            _sync(file.parent)
        except OSError as fault:
            raise _unwritable(file, fault) from fault

    def private(self, key: KeptKey) -> SigningKey:
        """The key itself.

        Raises:
            ConfigurationError: it cannot be read, or is revoked and gone.
        """
        path = self._private(key)
        try:
            return read_key(path.read_bytes())
        except OSError as fault:
            raise ConfigurationError(
                f"dkim: cannot read {str(path)!a:.200}: {fault.strerror}", setting="dkim"
            ) from fault

    def _private(self, key: KeptKey) -> Path:
        return self.path / key.domain / f"{key.selector}.pem"


def _write(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Return when the names in the folder are on disk."""
    if os.name != "posix":  # a folder is not opened elsewhere
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> KeptKey:
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(_LIMIT))
        kind, state, since = KeyKind(found["kind"]), KeyState(found["state"]), float(found["since"])
        as_datetime(since)  # NaN and what no calendar has are no time
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as fault:
        reason = getattr(fault, "strerror", None) or "it is none of the files that are kept there"
        raise ConfigurationError(f"dkim: cannot read {str(file)!a:.200}: {reason}", setting="dkim") from fault
    return KeptKey(file.parent.name, file.stem, kind, state, since)


def _unwritable(path: Path, fault: OSError) -> ConfigurationError:
    return ConfigurationError(f"dkim: cannot write {str(path)!a:.200}: {fault.strerror}", setting="dkim")
