"""``check_host()``: may this client send mail for this domain? (RFC 7208 §4)"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from postroad.clock import SYSTEM_CLOCK, Clock
from postroad.lookup import RecordType, Resolver, Status
from postroad.mailauth.spf.macro import TEXT_LETTERS, MacroError, MacroString, read_macros
from postroad.mailauth.spf.questions import CheckEnded, Limits, Questions, addresses_kind, is_in
from postroad.mailauth.spf.record import Address, Kind, Mechanism, RecordError, SpfRecord, read_record, spf_texts
from postroad.mailauth.spf.session import Session, is_policy_domain, session_of
from postroad.mailauth.spf.validated_names import is_one_below, name_for_macro, validated_names
from postroad.mailauth.spf.verdict import Outcome, Result, SpfVerdict, Step

MAX_STEPS: Final = 1000  # of a trace; a record of 64 kB has ten times as many terms, and nobody reads them


async def check(
    ip: Address,
    helo: str,
    mail_from: str,
    resolver: Resolver,
    *,
    receiver: str = "unknown",
    limits: Limits = Limits(),  # noqa: B008 - a frozen value
    clock: Clock = SYSTEM_CLOCK,
) -> SpfVerdict:
    """Whether the client ``ip`` may use the sender of ``MAIL FROM``, or without one the name of ``HELO``.

    ``receiver`` is the name of the host that asks, for explanations (``%{r}``). It never raises: whatever a client
    says and strangers publish is a result.
    """
    session = session_of(ip, helo, mail_from)
    evaluation = _Evaluation(session, Questions(resolver, limits, clock), receiver, clock)
    return await evaluation.verdict()


class _Ruling(NamedTuple):
    """What a record says: the mechanism that matched, if any did, and where."""

    result: Result
    mechanism: Mechanism | None
    record: SpfRecord
    domain: str


class _Evaluation:
    """One check. What ends it early is a ``CheckEnded``."""

    def __init__(self, session: Session, questions: Questions, receiver: str, clock: Clock) -> None:
        self._session = session
        self._questions = questions
        self._receiver = receiver
        self._clock = clock
        self._trace: list[Step] = []
        self._names: list[str] | None = None  # the validated ones, once a macro wanted them
        self._tests: dict[Kind, Callable[[Mechanism, str, int], Awaitable[bool]]] = {
            Kind.INCLUDE: self._include,
            Kind.A: self._a,
            Kind.MX: self._mx,
            Kind.PTR: self._ptr,
            Kind.EXISTS: self._exists,
        }

    async def verdict(self) -> SpfVerdict:
        domain = self._session.domain
        if not is_policy_domain(domain):
            return self._ended(Result.NONE, f"{domain[:253]!a} is no domain that could have a policy")
        try:
            ruling = await self._check_host(domain, 0)
        except CheckEnded as end:
            return self._ended(end.result, end.reason)
        if ruling is None:
            return self._ended(Result.NONE, f"{domain} has no SPF record")
        explanation = await self._explanation(ruling) if ruling.result is Result.FAIL else None
        return self._verdict(ruling, explanation)

    def _verdict(self, ruling: _Ruling, explanation: str | None) -> SpfVerdict:
        mechanism = ruling.mechanism.text if ruling.mechanism else None
        counts = self._questions.lookups, self._questions.void_lookups
        identity, domain = self._session.identity, self._session.domain
        return SpfVerdict(ruling.result, identity, domain, mechanism, explanation, *counts, tuple(self._trace))

    def _ended(self, result: Result, reason: str) -> SpfVerdict:
        counts = self._questions.lookups, self._questions.void_lookups
        identity, domain = self._session.identity, self._session.domain
        return SpfVerdict(result, identity, domain, None, None, *counts, tuple(self._trace), reason)

    # ── records ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _check_host(self, domain: str, depth: int) -> _Ruling | None:
        """What the policy of a domain says; ``None``: it has none."""
        record = await self._record(domain, depth)
        if record is None:
            return None
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain, depth):
                return _Ruling(mechanism.qualifier, mechanism, record, domain)
        if record.redirect is not None:
            return await self._redirected(record.redirect, domain, depth)
        return _Ruling(Result.NEUTRAL, None, record, domain)  # RFC 7208 §4.7

    async def _record(self, domain: str, depth: int) -> SpfRecord | None:
        """The one record of a domain, read (RFC 7208 §4.4, §4.5)."""
        texts = spf_texts(self._questions.certain(await self._questions.ask_uncounted(domain, RecordType.TXT)).texts)
        if not texts:
            self._questions.take_answers()
            return None
        self._step(domain, depth, texts[0].decode("latin-1"), Outcome.RECORD)
        if len(texts) > 1:
            raise CheckEnded(Result.PERMERROR, f"{domain} has {len(texts)} SPF records, and one is allowed")
        try:
            return read_record(texts[0])
        except RecordError as fault:
            raise CheckEnded(Result.PERMERROR, f"the SPF record of {domain} cannot be read: {fault}") from fault

    async def _redirected(self, target: MacroString, domain: str, depth: int) -> _Ruling:
        """What the policy of another domain says, in the place of this one (RFC 7208 §6.1)."""
        self._questions.count_term()
        name = await self._name(target, domain)
        self._step(domain, depth, f"redirect={target.text}", Outcome.FOLLOWED)
        ruling = await self._check_host(name, depth)
        if ruling is None:
            raise CheckEnded(Result.PERMERROR, f"{domain} redirects to {name!a}, which has no SPF record")
        return ruling

    # ── mechanisms ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _matches(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        try:
            matched = await self._tested(mechanism, domain, depth)
        except CheckEnded:
            self._step(domain, depth, mechanism.text, Outcome.ENDED)
            raise
        self._step(domain, depth, mechanism.text, Outcome.MATCH if matched else Outcome.NO_MATCH)
        return matched

    async def _tested(self, mechanism: Mechanism, domain: str, depth: int) -> bool:
        if mechanism.kind is Kind.ALL:
            return True
        if mechanism.address is not None:
            return self._is_in((mechanism.address,), mechanism)
        self._questions.count_term()
        name = domain if mechanism.domain is None else await self._name(mechanism.domain, domain)
        # RFC 8616 §4: a term that would need a local part of other letters matches nothing.
        return name.isascii() and await self._tests[mechanism.kind](mechanism, name, depth)

    async def _include(self, mechanism: Mechanism, name: str, depth: int) -> bool:
        ruling = await self._check_host(name, depth + 1)
        if ruling is None:  # RFC 7208 §5.2
            raise CheckEnded(Result.PERMERROR, f"{mechanism.text[:80]!a} leads to {name!a}, which has no SPF record")
        return ruling.result is Result.PASS

    async def _a(self, mechanism: Mechanism, name: str, depth: int) -> bool:
        answer = await self._questions.ask(name, addresses_kind(self._session.ip))
        return self._is_in(answer.addresses, mechanism)

    async def _mx(self, mechanism: Mechanism, name: str, depth: int) -> bool:
        hosts = [one.host for one in (await self._questions.ask(name, RecordType.MX)).exchanges]
        most = self._questions.limits.mx_names
        if len(hosts) > most:
            raise CheckEnded(Result.PERMERROR, f"{name} has {len(hosts)} MX records, and {most} are looked at")
        # Every host is asked about before any is compared (RFC 7208 §5.4): so their order makes no difference.
        kind = addresses_kind(self._session.ip)
        answers = [await self._questions.ask(host, kind) for host in hosts if host]  # RFC 7505: "" is no host
        return any(self._is_in(answer.addresses, mechanism) for answer in answers)

    async def _ptr(self, mechanism: Mechanism, name: str, depth: int) -> bool:
        questions = self._questions
        names = await validated_names(self._session.ip, questions.ask_leniently, questions.limits.ptr_names)
        return is_one_below(names, name)

    async def _exists(self, mechanism: Mechanism, name: str, depth: int) -> bool:
        answer = await self._questions.ask(name, RecordType.A)  # also for a client with IPv6 (RFC 7208 §5.7)
        return answer.status is Status.FOUND

    def _is_in(self, addresses: tuple[Address, ...], mechanism: Mechanism) -> bool:
        ip = self._session.ip
        return is_in(ip, addresses, mechanism.prefix4 if ip.version == 4 else mechanism.prefix6)

    # ── macros ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _name(self, spec: MacroString, domain: str) -> str:
        return spec.name(await self._values(spec, domain))

    async def _values(self, spec: MacroString, domain: str) -> dict[str, str]:
        """What the letters stand for (RFC 7208 §7.2)."""
        session = self._session
        values = {
            "s": session.sender,
            "l": session.local,
            "o": session.domain,
            "d": domain,
            "i": _dotted(session.ip),
            "h": session.helo,
            "v": "in-addr" if session.ip.version == 4 else "ip6",
            "c": str(session.ip),
            "r": self._receiver,
            "t": str(int(self._clock.now())),
        }
        return {**values, "p": await self._validated_name(domain)} if "p" in spec.letters else values

    async def _validated_name(self, domain: str) -> str:
        if self._names is None:
            questions = self._questions
            most = questions.limits.ptr_names
            self._names = await validated_names(self._session.ip, questions.ask_uncounted, most)
        return name_for_macro(self._names, domain)

    async def _explanation(self, ruling: _Ruling) -> str | None:
        """What the domain wishes to tell; any trouble with it is as if it were not there (RFC 7208 §6.2)."""
        if ruling.record.explanation is None:
            return None
        name = await self._name(ruling.record.explanation, ruling.domain)
        texts = (await self._questions.ask_uncounted(name, RecordType.TXT)).texts
        if len(texts) != 1 or not texts[0].isascii():
            return None
        try:
            text = read_macros(texts[0].decode("ascii"), TEXT_LETTERS)
        except MacroError:
            return None
        expanded = text.expand(await self._values(text, ruling.domain))
        # RFC 7208 §6.2: it goes into an SMTP reply, and what a client said may be in it.
        return expanded if expanded and expanded.isascii() and expanded.isprintable() else None

    def _step(self, domain: str, depth: int, term: str, outcome: Outcome) -> None:
        answers = self._questions.take_answers()
        if len(self._trace) < MAX_STEPS or outcome is not Outcome.NO_MATCH:
            self._trace.append(Step(domain, depth, term, outcome, answers))


def _dotted(ip: Address) -> str:
    """``%{i}``: an IPv6 address as its 32 digits with dots between."""
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", "").upper())
