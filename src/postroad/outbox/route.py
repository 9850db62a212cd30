"""What may be given to a worker as its route, and the transport it means."""

from postroad.mailer.blocking import Mailer
from postroad.mailer.dkim import DkimKeys
from postroad.mailer.mailer import AsyncMailer
from postroad.transport.contract import Transport
from postroad.transport.route import Route, anew, transport_of

WorkerRoute = Route | Mailer | AsyncMailer
"""A URL, an ``Smtp``, a transport, or a mailer whose route is taken."""


def worker_transport(route: WorkerRoute, dkim: DkimKeys | None = None) -> tuple[Transport, bool]:
    """The transport of a route, and whether it was made here, to be closed by its user. With ``dkim`` it signs.

    Raises:
        ConfigurationError: it is none, or a key is wrong.
    """
    if dkim is not None:
        # Late: only who signs loads the cryptography for it.
        from postroad.mailer.signing_transport import signing_over

        transport, ours = worker_transport(route)
        return signing_over(transport, dkim), ours
    transport = transport_of(route.transport if isinstance(route, Mailer | AsyncMailer) else route)
    if not isinstance(route, str):
        # A pool belongs to one event loop, and the mailer's is another: same account, connections of its own.
        own = anew(transport)
        return own, own is not transport
    return transport, True
