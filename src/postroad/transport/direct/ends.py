"""What becomes of a message where no host takes it: our own words, and those of hosts as they are meant here."""

from collections.abc import Iterable

from postroad.address import Address
from postroad.errors import AuthenticationError, ConnectError, DnsError, PostroadError, SenderRefused, TlsError
from postroad.outcome import Outcome, Result, failed
from postroad.reply import Code, Phase, Reply
from postroad.routing.plan import End, Hop, Plan

_NO_MAIL_HERE = Code(556)  # RFC 7504 §2: the domain accepts no mail; RFC 7505 §4.2
_NOT_REACHABLE = Code(550)
_ASK = "Ask the domain's operator; the DNS answered, and there is nobody who receives for it."


def without_hosts(recipients: Iterable[Address], plan: Plan) -> tuple[Outcome, ...]:
    """The outcomes of recipients whose domain has no host to try."""
    end = plan.end
    assert end is not None
    if not end.permanent:
        advice = "It is tried again; if it stays, the domain's name servers do not work, or ours do not reach them."
        return failed(recipients, DnsError(plan.reason, phase=Phase.DNS, advice=advice)).outcomes
    code = _NO_MAIL_HERE if end is End.NULL_MX else _NOT_REACHABLE
    # Nobody else has said it: it is what a server in our place would answer (RFC 7505 §4.2, RFC 5321 §3.6.2).
    reply = Reply(code, (f"{end.value} {plan.reason}",), end.value)
    return tuple([Outcome(recipient, Result.REFUSED, Phase.DNS, reply) for recipient in recipients])


def without_way(hop: Hop) -> PostroadError:
    """Why a host cannot be tried: its name does not resolve, or a policy forbids it. Both may pass."""
    if hop.addresses or not hop.reason or hop.reason == hop.requirement.reason:
        return forbidden(hop)
    return DnsError(hop.reason, phase=Phase.DNS)


def forbidden(hop: Hop) -> ConnectError:
    """A host that a policy does not let us use (RFC 8461 §5, RFC 7672 §2.1)."""
    message = f"{hop.host} must not be used: {hop.requirement.reason}"
    advice = "The domain's operator has to bring policy, DNS and hosts together; the mail waits for it."
    return ConnectError(message, phase=Phase.TLS, advice=advice)


def as_met(fault: PostroadError, hop: Hop) -> PostroadError:
    """An error as it is meant of somebody else's host: nothing about it can be mended here.

    What would be a wrong setting at our own account is this host's fault, and may pass.
    """
    if isinstance(fault, TlsError):
        why = f" ({hop.requirement.reason})" if hop.requirement.enforced else ""
        advice = "The host's operator has to mend its TLS or its policy; the mail waits for it."
        met: PostroadError = ConnectError(
            f"{fault.message}{why}", phase=fault.phase, advice=advice, transcript=fault.transcript
        )
    elif isinstance(fault, AuthenticationError):
        met = SenderRefused(fault.message, reply=fault.reply, phase=fault.phase, transcript=fault.transcript)
    else:
        return fault
    met.__cause__ = fault
    return met
