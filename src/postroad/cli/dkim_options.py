"""``--dkim`` and ``--dkim-keys``: the keys that sign what is sent."""

from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from postroad.mailer.dkim import DkimKeys
    from postroad.transport.contract import Transport

_OPTIONS: Final = (
    click.option(
        "--dkim", metavar="DOMAIN:SELECTOR:KEY", multiple=True,
        help="Sign mail from this domain; the key is a file, env:NAME and so on. Again for more. Else POSTROAD_DKIM.",
    ),
    click.option(
        "--dkim-keys", metavar="DIR", help="Sign with the keys that `dkim rotate` keeps. Else POSTROAD_DKIM_KEYS."
    ),
)  # fmt: skip


def dkim_options(command: Any) -> Any:
    """The options, as arguments ``dkim`` and ``dkim_keys`` for ``signing``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def signing(transport: "Transport", dkim: tuple[str, ...], dkim_keys: str | None) -> "Transport":
    """The route, signing where the options name keys, else where the environment does.

    Raises:
        click.UsageError: both options are given.
        ConfigurationError: a key is wrong.
    """
    keys = _keys(dkim, dkim_keys)
    if keys is None:
        return transport
    from postroad.mailer.signing_transport import signing_over  # late: only who signs loads the cryptography for it

    return signing_over(transport, keys)


def _keys(dkim: tuple[str, ...], dkim_keys: str | None) -> "DkimKeys | None":
    from postroad.mailer.environment import dkim_from

    if dkim and dkim_keys is not None:
        raise click.UsageError("--dkim and --dkim-keys are two ways to say the same")
    if dkim_keys is not None:
        return dkim_from({"POSTROAD_DKIM_KEYS": dkim_keys})
    if dkim:
        from postroad.mailer.dkim import Dkim

        return tuple([one for text in dkim for one in Dkim.parse(text)])
    return dkim_from()
