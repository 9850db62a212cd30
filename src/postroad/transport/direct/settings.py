"""``Direct``: everything that is said about delivering to mail exchangers, as a value."""

from dataclasses import dataclass
from typing import Final

from postroad.errors import ConfigurationError
from postroad.net.dns.settings import DnsSettings, Nameserver, Trust
from postroad.net.happy_eyeballs import family_of
from postroad.net.host_name import as_address, checked_port
from postroad.routing.plan import SMTP_PORT
from postroad.routing.tls_requirement import Wish
from postroad.smtp.commands import checked_ehlo_name
from postroad.transport.smtp.limits import MAX_SIZE, PoolLimits, Timeouts, check_limits

MESSAGES: Final = 128  # at once, to all hosts together: each waits for a host of its own, and most of them slowly
# To a host: as many connections as most take from one client; idle for no longer than Postfix keeps its own (2 s) and a
# little, for these servers serve everybody.
HOST_LIMITS: Final = PoolLimits(connections=5, messages=100, age=300.0, idle=4.0)

# Nobody waits in front of a screen here: the greeting has the time that RFC 5321 §4.5.3.2.1 gives it, for some servers
# make strangers wait; a host has half a minute to take the connection.
PATIENT: Final = Timeouts(connect=30.0, greeting=300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """How mail goes to the mail exchangers of its recipients.

    ``ehlo`` is the name given to them; left out, the host's own name where it has a domain. ``source`` are addresses of
    this machine to connect from, at most one of each family; a family without one is not used, if the other has one.
    ``tls`` is what is asked of every host beyond what it publishes. ``ca`` is a PEM file of authorities in the place of
    the system's. ``concurrency`` is how many messages are under way at once; ``limits`` hold for each host.
    ``nameservers`` are the resolvers to ask, left out those of the machine; ``dnssec`` says whether their word about
    DNSSEC is taken, without which there is no DANE.

    Raises:
        ConfigurationError: a setting is malformed or contradicts another.
    """

    port: int = SMTP_PORT
    ehlo: str | None = None
    source: tuple[str, ...] = ()
    tls: Wish = Wish.NOTHING
    mta_sts: bool = True
    dane: bool = True
    ca: str | None = None
    max_size: int = MAX_SIZE
    concurrency: int = MESSAGES
    limits: PoolLimits = HOST_LIMITS
    timeouts: Timeouts = PATIENT
    nameservers: tuple[Nameserver, ...] = ()
    dnssec: Trust = Trust.AS_CONFIGURED

    def __post_init__(self) -> None:
        checked_port(self.port)
        if self.ehlo is not None:
            checked_ehlo_name(self.ehlo)
        if self.concurrency < 1:
            raise ConfigurationError(f"concurrency must be at least 1, not {self.concurrency}", setting="concurrency")
        check_limits(self.limits, self.timeouts, self.max_size)
        object.__setattr__(self, "source", tuple([_usual_form(one) for one in self.source]))
        if len({family_of(one) for one in self.source}) < len(self.source):
            raise ConfigurationError("source has two addresses of one family, and one is used", setting="source")

    @property
    def dns(self) -> DnsSettings:
        """How the DNS is asked."""
        return DnsSettings(nameservers=self.nameservers, trust=self.dnssec)

    @property
    def name(self) -> str:
        """The route as a URL."""
        return "direct://" if self.port == SMTP_PORT else f"direct://?port={self.port}"


def _usual_form(source: str) -> str:
    """An address as limits name it, however it was written."""
    address = as_address(source)
    if address is None:
        raise ConfigurationError(f"{ascii(source)[:80]} is not an IP address", setting="source")
    return str(address)
