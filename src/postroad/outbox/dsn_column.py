"""The request for delivery status notifications, as it is kept beside its message."""

import json

from postroad.message.dsn_request import Dsn


def written_dsn(dsn: Dsn | None) -> str | None:
    """The column's text; ``None`` where nothing was asked for."""
    if dsn is None:
        return None
    return json.dumps({
        "notify": [one.value for one in dsn.notify],
        "each": {key: [one.value for one in wanted] for key, wanted in dsn.notify_each},
        "ret": None if dsn.ret is None else dsn.ret.value,
        "envid": dsn.envid,
    })  # fmt: skip


def read_dsn(text: str | None) -> Dsn | None:
    """The request that the column holds."""
    if text is None:
        return None
    kept = json.loads(text)
    return Dsn(kept["each"] or kept["notify"], ret=kept["ret"], envid=kept["envid"])
