"""OpenDKIM in its test mode: it reads messages from files and keys from another one, and asks nobody."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.peers.program import program_path
from tests.peers.waiting import PATIENCE

_FROM = re.compile(rb"(?im)^From[ \t]*:.*(?:\r?\n[ \t].*)*")
_ODD_SPACE = re.compile(rb"(?m)^[!-9;-~]+(?:[ \t]+:|:(?! (?! )))")
_SUCCEEDED = re.compile(r"opendkim: (.*?): verification \(s=(\S+?),? d=(\S+?), .*\) succeeded")


def can_read(content: bytes, canon: str) -> bool:
    """Whether it sees the message as it is: an address with a domain in From, without which it looks for no signature;
    no bare CR, which its test mode takes for a line end; and, where each octet of a header counts, one space behind
    each colon, because it puts one there."""
    found = _FROM.search(content)
    if found is None or b"@" not in found[0] or b"\r" in content.replace(b"\r\n", b""):
        return False
    return (
        canon.startswith("relaxed") or _ODD_SPACE.search(content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]) is None
    )


def passed(files: list[Path], records: Mapping[str, bytes], folder: Path) -> set[str]:
    """The names of the files whose first signature that OpenDKIM goes by passes; ``records`` are by name."""
    keys, configuration = folder / "keys", folder / "opendkim.conf"
    keys.write_bytes(b"".join(name.encode() + b" " + text + b"\n" for name, text in records.items()))
    configuration.write_text(f"Mode v\nTestPublicKeys {keys}\nSyslog no\nSocket inet:0@localhost\n")
    names = [file.name for file in files]
    assert all("," not in name for name in names)
    run = subprocess.run(
        [program_path("opendkim"), "-x", configuration, "-v", "-t", ",".join(names)],
        capture_output=True, timeout=PATIENCE, check=False, cwd=files[0].parent,
    )  # fmt: skip
    said = (run.stdout + run.stderr).decode(errors="replace")
    return {found[1] for found in _SUCCEEDED.finditer(said)}
