"""The ``direct://`` transport: finds the hosts of each recipient's domain, and the first that takes the message."""

import asyncio
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from postroad.address import Address
from postroad.chance import SYSTEM_CHANCE, Chance
from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.errors import (
    Abandoned,
    ConfigurationError,
    DnsError,
    MissingExtra,
    PostroadError,
    RecipientsRefused,
    Unsupported,
)
from postroad.lookup import Fetcher, RecordType, Resolver
from postroad.message.envelope import MailObject
from postroad.net.dns.resolver import DnsResolver
from postroad.net.https_fetcher import HttpsFetcher
from postroad.outcome import Outcome, RouteTried, SendReport, with_error
from postroad.reply import Phase, TranscriptLine
from postroad.routing.mta_sts import Policy
from postroad.routing.mx import MailHosts, mail_hosts
from postroad.routing.plan import End, Hop, Plan, hop, plan
from postroad.routing.tls_requirement import Level, PolicyType, Wish
from postroad.routing.tls_results import ResultType
from postroad.transport.contract import Ability, BeforeCommit, CheckReport
from postroad.transport.direct.ends import without_hosts, without_way
from postroad.transport.direct.host_pools import HostPools, is_name_of_host
from postroad.transport.direct.journey import Journey
from postroad.transport.direct.policies import PolicyCache
from postroad.transport.direct.settings import Direct
from postroad.transport.direct.tls_counts import TlsResults
from postroad.transport.restraint import FREE, HoldOf

DOWN_FOR: Final = 60.0  # seconds for which a host that was not reached is tried after the others of its domain
MAX_DOWN: Final = 10_000  # hosts of which that is remembered
MAX_ANSWERS: Final = 2  # hosts that may refuse for now before the mail waits (Postfix: smtp_mx_session_limit)
_FORGOTTEN: Final[
    list[HostPools]
] = []  # of the parent process: kept, so that nothing collects and closes their sockets
_HEADERS: Final = 65_536  # octets in which the field is looked for
_NOT_REQUIRED: Final = re.compile(rb"\r\ntls-required[ \t]*:[ \t]*no[ \t]*\r\n", re.IGNORECASE)
_NOT_REACHED: Final = frozenset({Phase.DNS, Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.TLS, Phase.STARTTLS})


class DirectTransport:
    """Belongs to the event loop of its first use, until closed.

    ``resolver`` and ``fetcher`` are asked for hosts and for the policies of MTA-STS; left out, those of the settings
    and of the network. ``tls_results`` counts how TLS went (RFC 8460), also for a worker that this was given to.

    Raises:
        MissingExtra: MTA-STS needs the library for HTTPS, which is not installed.
    """

    abilities = frozenset({Ability.SEPARATE_ENVELOPE, Ability.REMOTE, Ability.DIRECT})

    def __init__(
        self,
        settings: Direct | None = None,
        *,
        resolver: Resolver | None = None,
        fetcher: Fetcher | None = None,
        tls_results: TlsResults | None = None,
        clock: Clock = SYSTEM_CLOCK,
        chance: Chance = SYSTEM_CHANCE,
    ) -> None:
        self.settings = settings = settings or Direct()
        self.resolver: Resolver = resolver or DnsResolver(settings.dns, clock)
        self.tls_results = tls_results or TlsResults()
        self._clock = clock
        self._chance = chance
        self._given = resolver, fetcher
        self._policies: PolicyCache | None = None
        if settings.mta_sts:
            web = fetcher or _fetcher(self.resolver, settings)
            self._policies = PolicyCache(self.resolver, web, self.tls_results, clock)
        self._pools: HostPools | None = None
        self._owner: tuple[int, asyncio.AbstractEventLoop] | None = None
        self._hold_of: HoldOf = lambda domain: FREE
        self._down: dict[str, float] = {}  # hosts, and until when they count as not reachable (monotonic)

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def concurrency(self) -> int:
        return self.settings.concurrency

    @property
    def max_size(self) -> int:
        return self.settings.max_size

    @property
    def source(self) -> str:
        """The address that hosts see, where one was chosen; the first of two."""
        return self.settings.source[0] if self.settings.source else ""

    def renewed(self) -> "DirectTransport":
        """The same with connections of its own, for another event loop."""
        resolver, fetcher = self._given
        return DirectTransport(
            self.settings,
            resolver=resolver,
            fetcher=fetcher,
            tls_results=self.tls_results,
            clock=self._clock,
            chance=self._chance,
        )

    def hold_to(self, hold_of: HoldOf) -> None:
        """See ``Sited``."""
        self._hold_of = hold_of

    async def mail_hosts(self, domain: str) -> MailHosts:
        """Who receives for a domain. It never raises."""
        return await mail_hosts(domain, self.resolver)

    async def plan(self, domain: str) -> Plan:
        """Where mail for a domain goes from here. It never raises."""
        return await plan(domain, self.resolver, self._policy_of, self._own_names())

    async def _policy_of(self, domain: str) -> Policy | None:
        return None if self._policies is None else await self._policies.policy_of(domain)

    def _own_names(self) -> tuple[str, ...]:
        name = self.settings.ehlo or socket.gethostname()
        return (name,) if "." in name else ()

    # ── delivering ────────────────────────────────────────────────────────────────────────────────────────────────

    def deliver(self, mail: MailObject, *, before_commit: BeforeCommit | None = None) -> "asyncio.Future[SendReport]":
        """See ``Transport.deliver``. Recipients whose domains have the same hosts and policy share a transaction."""
        return asyncio.ensure_future(self._deliver(mail, before_commit))

    async def _deliver(self, mail: MailObject, before_commit: BeforeCommit | None) -> SendReport:
        pools = self._own_pools()
        nowhere: list[Outcome] = []
        groups: dict[tuple[object, ...], _Group] = {}
        domains = _by_domain(mail.envelope.recipients)
        plans = await asyncio.gather(*map(self.plan, domains)) if len(domains) > 1 else [await self.plan(*domains)]
        for (domain, recipients), planned in zip(domains.items(), plans, strict=True):
            if planned.end is not None:
                nowhere += without_hosts(recipients, planned)
            else:
                groups.setdefault(planned.way, _Group(planned)).add(domain, recipients)
        journeys = await self._all_ways(mail, list(groups.values()), pools, before_commit)
        return _report(mail, nowhere, journeys)

    async def _all_ways(
        self, mail: MailObject, groups: "Sequence[_Group]", pools: HostPools, before_commit: BeforeCommit | None
    ) -> list[Journey]:
        journeys = [Journey(mail, tuple(group.recipients), before_commit) for group in groups]
        ways = [self._over_hosts(journey, group, pools) for journey, group in zip(journeys, groups, strict=True)]
        if len(ways) == 1:
            await ways[0]
            return journeys
        # What one of them meets must not cut off the others: what these come to has to be known.
        for journey, end in zip(journeys, await asyncio.gather(*ways, return_exceptions=True), strict=True):
            if isinstance(end, PostroadError):
                journey.passed_by("", end)
            elif isinstance(end, BaseException):
                raise end
        return journeys

    async def _over_hosts(self, journey: Journey, group: "_Group", pools: HostPools) -> None:
        answers = without_address = 0
        hosts = self._in_order(group.plan)
        for host in hosts:
            if not (group.plan.is_literal or is_name_of_host(host)):
                journey.passed_by(host, DnsError(f"{host!a:.80} is no name of a host", phase=Phase.DNS))
                without_address += 1
                continue
            found = await self._hop(host, group.plan, journey)
            if found is None:
                continue
            self._note_refused_policy(found, group)
            if not found.usable:
                journey.passed_by(host, without_way(found))
                without_address += not found.temporary
                continue
            if pools.closed:  # meanwhile
                closed = f"the transport was closed before {host} was tried"
                journey.passed_by(host, Abandoned(closed, phase=Phase.POOL))
                return
            domains = frozenset(group.domains)
            pool = pools.pool_for(found, domains)
            pool.hold_to(self._hold_of(group.domains[0]))
            report = await pool.deliver(journey.mail, domains, journey.commit)
            journey.arrived(found, report)
            reached = self._remember(host, report)
            answers += reached
            if not journey.left or answers >= MAX_ANSWERS:
                return
        if without_address == len(hosts):  # RFC 5321 §5.1: none of them is usable
            nowhere = replace(
                group.plan, end=End.NO_HOST, reason=f"no mail exchanger of {group.domains[0]} has an address"
            )
            journey.ended(without_hosts(journey.left, nowhere))

    async def _hop(self, host: str, plan: Plan, journey: Journey) -> Hop | None:
        """What is to be known of a host; ``None``: it was passed by."""
        wish, dane = self.settings.tls, self.settings.dane
        if says_tls_not_required(journey.mail):  # RFC 8689 §5
            plan, wish, dane = replace(plan, policy=None), Wish.NOTHING, False
        elif journey.mail.envelope.require_tls:
            wish = Wish.VERIFIED
            if not (plan.authentic or (plan.policy is not None and plan.policy.allows(host))):
                why = f"require_tls is asked for, and neither DNSSEC nor MTA-STS vouches for {host}"
                journey.passed_by(host, Unsupported(why, phase=Phase.TLS))  # RFC 8689 §4.2.1
                return None
        return await hop(host, plan, self.resolver, wish=wish, dane=dane, port=self.settings.port)

    def _in_order(self, plan: Plan) -> list[str]:
        """By preference, those last that were not reached a moment ago."""
        now = self._clock.monotonic()
        return sorted(plan.order(self._chance), key=lambda host: self._down.get(host, 0.0) > now)

    def _remember(self, host: str, report: SendReport) -> bool:
        """Whether the host has answered; one that has not is tried later for a while."""
        silent = all(one.refused and one.reply is None and one.phase in _NOT_REACHED for one in report.outcomes)
        if not silent:
            self._down.pop(host, None)
            return True
        if len(self._down) >= MAX_DOWN:
            self._down.clear()
        self._down[host] = self._clock.monotonic() + DOWN_FOR
        return False

    def _note_refused_policy(self, found: Hop, group: "_Group") -> None:
        required = found.requirement
        if required.level is not Level.REFUSED or not required.enforced:
            return
        by_policy = required.policy is PolicyType.STS
        result = ResultType.VALIDATION_FAILURE if by_policy else ResultType.DNSSEC_INVALID
        for domain in group.domains:
            self.tls_results.failed(
                domain, required.policy, result, host=found.host, reason=required.reason, strings=found.published
            )

    # ── connections ───────────────────────────────────────────────────────────────────────────────────────────────

    def open_connections(self) -> int:
        """How many there are now."""
        return 0 if self._pools is None else self._pools.connections

    def _own_pools(self) -> HostPools:
        loop = asyncio.get_running_loop()
        if self._pools is not None and self._owner == (os.getpid(), loop):
            return self._pools
        self._leave_old_pools()
        self._pools = HostPools(self.settings, self.tls_results, self._clock)
        self._owner = (os.getpid(), loop)
        return self._pools

    def _leave_old_pools(self) -> None:
        if self._pools is None or self._owner is None:
            return
        pid, loop = self._owner
        if pid != os.getpid():
            self._pools.forget_after_fork()
            _FORGOTTEN.append(self._pools)
        elif not loop.is_closed():
            raise ConfigurationError(
                f"{self.name} is in use in another event loop; give each loop its own mailer", setting="transport"
            )

    async def check(self) -> CheckReport:
        """Ask the DNS whether it answers: hosts are known only when there are recipients."""
        answer = await self.resolver.lookup("", RecordType.NS)
        if answer.status.temporary:
            raise DnsError(f"the DNS does not answer: {answer.reason or answer.status.value}", phase=Phase.DNS)
        vouched = "validated" if answer.authentic else "not validated, so there is no DANE"
        policies = "asked for" if self._policies is not None else "not asked for"
        seen = (
            f"the DNS answers; DNSSEC: {vouched}",
            f"MTA-STS: policies are {policies}",
            f"port {self.settings.port}, from {', '.join(self.settings.source) or 'any address of this machine'}",
        )
        return CheckReport(self.name, seen)

    async def aclose(self) -> None:
        """Transactions under way finish; waiting messages are dropped; connections say QUIT."""
        pools, owner = self._pools, self._owner
        if pools is None or owner is None or owner[0] != os.getpid():
            return
        self._pools = self._owner = None
        if not owner[1].is_closed():
            await pools.aclose()


class _Group:
    """Recipients of one message whose domains have the same plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.domains: list[str] = []
        self.recipients: list[Address] = []

    def add(self, domain: str, recipients: Sequence[Address]) -> None:
        self.domains.append(domain)
        self.recipients += recipients


def says_tls_not_required(mail: MailObject) -> bool:
    """Whether a header field asks for delivery whatever the TLS, as reports about TLS do (RFC 8689 §5)."""
    if mail.envelope.require_tls:
        return False
    end = mail.content.find(b"\r\n\r\n", 0, _HEADERS)
    section = mail.content[: end + 2] if end >= 0 else mail.content[:_HEADERS]
    return _NOT_REQUIRED.search(b"\r\n" + section) is not None


def _by_domain(recipients: Sequence[Address]) -> dict[str, list[Address]]:
    domains: dict[str, list[Address]] = {}
    for recipient in recipients:
        domains.setdefault(recipient.domain, []).append(recipient)
    return domains


def _fetcher(resolver: Resolver, settings: Direct) -> Fetcher:
    try:
        return HttpsFetcher(resolver, ca=settings.ca)
    except MissingExtra as missing:
        raise MissingExtra(
            "direct:// needs the httpx library for MTA-STS, which is not installed",
            setting="mta_sts",
            advice="pip install 'postroad[http]'; or do without the protection: direct://?mta_sts=off",
        ) from missing


def _report(mail: MailObject, nowhere: list[Outcome], journeys: list[Journey]) -> SendReport:
    known = {outcome.recipient: outcome for outcome in nowhere}
    routes: list[RouteTried] = []
    transcript: tuple[TranscriptLine, ...] = ()
    for journey in journeys:
        known |= {outcome.recipient: outcome for outcome in journey.outcomes}
        routes += [RouteTried(f"direct://{host}", error) for host, error in journey.tried]
        transcript = journey.transcript or transcript
    outcomes = tuple([known[recipient] for recipient in mail.envelope.recipients])
    report = SendReport(outcomes, mail.message_id, transcript=transcript, routes=tuple(routes))
    if any(outcome.accepted for outcome in outcomes):
        return report
    return with_error(report, _spokesman(outcomes))


def _spokesman(outcomes: tuple[Outcome, ...]) -> PostroadError:
    """The error that speaks for the message: that nobody knows outweighs all, then that trying again may help."""
    rank = sorted(outcomes, key=lambda one: 0 if one.unknown else 1 if one.temporary else 2)
    first = rank[0]
    if first.error is not None:
        return first.error
    count = f"all {len(outcomes)} recipients" if len(outcomes) > 1 else "the recipient"
    return RecipientsRefused(f"{count} refused: {first}", reply=first.reply, phase=first.phase)
