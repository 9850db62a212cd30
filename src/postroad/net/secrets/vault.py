"""``vault:path#key``: HashiCorp Vault's key-value engine, both versions, and whatever else is read by GET (hvac).

Address, token, namespace and CA come from the variables of Vault's own command line: ``VAULT_ADDR``, ``VAULT_TOKEN``
(else ``~/.vault-token``), ``VAULT_NAMESPACE``, ``VAULT_CACERT``. The path is written as that command line takes it
(``secret/smtp``) or as the HTTP API has it (``secret/data/smtp``).
"""

import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from postroad.net.secrets.finding import Finding, missing
from postroad.secret import Reference

if TYPE_CHECKING:
    import hvac

SECONDS: Final = 10.0  # for connecting, and for each wait for an answer


def read_vault(reference: Reference) -> Finding:
    """One field of a Vault secret, as it is now.

    Raises:
        MissingExtra: hvac is not installed.
    """
    try:
        import hvac  # late: heavy, and an extra
    except ModuleNotFoundError:
        raise missing(reference, "hvac", "vault") from None
    if not os.environ.get("VAULT_ADDR"):
        return Finding(None, "VAULT_ADDR is not set")
    client = hvac.Client(timeout=SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    if not client.token:
        return Finding(None, "VAULT_TOKEN is not set, and there is no ~/.vault-token")
    try:
        return _look(client, reference)
    finally:
        client.adapter.close()


def _look(client: "hvac.Client", reference: Reference) -> Finding:
    """In the places where the path may mean it to be."""
    import hvac.exceptions  # late: see above
    import requests

    denied = ""
    try:
        for path in _places(client, quote(reference.name.strip("/"), safe="/")):
            try:
                answer = client.read(path)
            except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized) as fault:
                denied = str(fault.args[0])
                continue
            if answer is not None:
                return _field(answer, reference.key)
    except hvac.exceptions.VaultError as fault:
        return Finding(None, f"Vault says: {fault.args[0]}") if _final(fault) else Finding.passing(str(fault.args[0]))
    except requests.exceptions.SSLError as fault:
        return Finding(None, f"TLS with Vault failed: {fault}")
    except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as fault:
        return Finding.passing(f"Vault does not answer: {fault}")
    except requests.exceptions.RequestException as fault:
        return Finding(None, f"VAULT_ADDR: {fault}")
    if denied:
        return Finding(None, f"Vault refuses it: {denied}; check VAULT_TOKEN and what its policies allow")
    return Finding(None, "Vault has nothing at this path")


def _final(fault: Exception) -> bool:
    import hvac.exceptions as of_vault  # late: see above

    passing = (
        of_vault.RateLimitExceeded,
        of_vault.InternalServerError,
        of_vault.BadGateway,
        of_vault.VaultDown,  # sealed, or in maintenance
        of_vault.UnexpectedError,
    )
    return not isinstance(fault, passing)


def _places(client: "hvac.Client", path: str) -> list[str]:
    """Where to look, likeliest first: version 2 of the engine keeps the secret x of a mount m at ``m/data/x``."""
    mount, version = _mount(client, path)
    if mount and version != "2":
        return [path]
    if not mount:  # an old Vault, or a token that may not know
        mount = path.partition("/")[0] + "/"
    inside = path.removeprefix(mount)
    places = [f"{mount}data/{inside}", path]
    return places[::-1] if inside.startswith("data/") else places


def _mount(client: "hvac.Client", path: str) -> tuple[str, str]:
    """The mount that a path lies in and the version of its engine, as Vault's own command line asks for them."""
    from hvac.exceptions import Forbidden, InvalidRequest, Unauthorized  # late: see above

    try:
        answer = client.read(f"sys/internal/ui/mounts/{path}")
    except (Forbidden, InvalidRequest, Unauthorized):
        return "", ""
    about = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(about, dict) or not path.startswith(str(about.get("path"))):
        return "", ""
    return str(about["path"]), str((about.get("options") or {}).get("version") or "1")


def _field(answer: Any, key: str) -> Finding:
    fields = answer.get("data") if isinstance(answer, dict) else None
    if isinstance(fields, dict) and isinstance(fields.get("data"), dict) and "metadata" in fields:
        fields = fields["data"]
    if not isinstance(fields, dict):
        return Finding(None, "what Vault has there is no set of fields")
    if key not in fields:
        return Finding(None, f"Vault's secret has no key {key!r}")
    return Finding.found(fields[key])
