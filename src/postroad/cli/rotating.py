"""One run of ``postroad dkim rotate``: asks what is to be done, and does it until only people and time are left."""

from typing import Final, NamedTuple

from postroad.clock import Clock, as_datetime
from postroad.errors import ConfigurationError
from postroad.lookup import RecordType, Resolver
from postroad.mailauth.dkim.keys import KeyKind
from postroad.mailauth.dkim.record import (
    MalformedKeyRecord,
    read_record,
    record_name,
    record_text,
    revoked_text,
    zone_line,
)
from postroad.mailauth.dkim.rotation import Action, KeptKey, KeyState, Pace, Seen, Step, next_steps
from postroad.mailer.key_folder import KeyFolder

_ROUNDS: Final = 8  # a key makes four moves in its life


class Record(NamedTuple):
    """A record that somebody has to publish."""

    name: str
    text: str

    @property
    def zone_line(self) -> str:
        return zone_line(self.name, self.text)


class Rotation:
    """The keys of one domain and kind, taken as far as they go today."""

    def __init__(
        self, folder: KeyFolder, domain: str, kind: KeyKind, pace: Pace, resolver: Resolver, clock: Clock
    ) -> None:
        self._folder = folder
        self._domain = domain
        self._kind = kind
        self._pace = pace
        self._resolver = resolver
        self._clock = clock
        self.done: list[str] = []  # sentences
        self.to_publish: list[Record] = []
        self.waiting: list[tuple[KeptKey, float | None]] = []

    def kept(self) -> tuple[KeptKey, ...]:
        """The keys as they stand."""
        return tuple([key for key in self._folder.keys(self._domain) if key.kind is self._kind])

    def revoke(self, selector: str) -> None:
        """Revoke a key that may have fallen into other hands, before anything else is done.

        Raises:
            ConfigurationError: there is no such key, or the folder cannot be read or written.
        """
        found = [key for key in self.kept() if key.selector == selector]
        if not found:
            sentence = f"--revoke: there is no {self._kind} key {selector!a:.80} of {self._domain} in the folder"
            raise ConfigurationError(sentence, setting="--revoke")
        if found[0].state is not KeyState.REVOKED:
            self._do(Step(Action.MOVE, found[0], KeyState.REVOKED))

    async def go(self, *, renew_now: bool) -> None:
        """Do what is to be done.

        Raises:
            ConfigurationError: the folder cannot be read or written.
        """
        self._folder.clear(self._domain)
        seen: dict[str, Seen] = {}
        for _ in range(_ROUNDS):
            keys = self.kept()
            for key in keys:
                if key.selector not in seen:
                    seen[key.selector] = await self._seen(key)
            steps = next_steps(keys, seen, self._clock.now(), self._pace, renew_now=renew_now)
            renew_now = renew_now and not any(step.action is Action.MAKE for step in steps)
            ours = [step for step in steps if step.action in (Action.MAKE, Action.MOVE)]
            if not ours:
                self._leave(steps)
                return
            for step in ours:
                self._do(step)

    def _do(self, step: Step) -> None:
        now = self._clock.now()
        if step.key is None:
            key = self._folder.make(self._domain, self._free_selector(now), self._kind, now)
            self.done.append(f"{key.selector} was made")
        elif step.state is not None:
            self._folder.put(step.key.moved(step.state, now))
            self.done.append(f"{step.key.selector} was {step.key.state}, and is {step.state}")

    def _leave(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            key = step.key
            if key is None:
                continue
            name = record_name(key.selector, key.domain)
            if step.action is Action.PUBLISH:
                self.to_publish.append(Record(name, record_text(self._folder.private(key))))
            elif step.action is Action.REVOKE:
                self.to_publish.append(Record(name, revoked_text(key.kind)))
            else:
                self.waiting.append((key, step.until))

    def _free_selector(self, now: float) -> str:
        """The day, as in s20260105; with a letter where there was one that day."""
        taken = self._folder.selectors(self._domain)
        first = f"{'e' if self._kind is KeyKind.ED25519 else 's'}{as_datetime(now):%Y%m%d}"
        return next(name for name in (first, *(f"{first}-{number}" for number in range(2, 1000))) if name not in taken)

    async def _seen(self, key: KeptKey) -> Seen:
        answer = await self._resolver.lookup(record_name(key.selector, key.domain), RecordType.TXT)
        if answer.status.temporary:
            return Seen.UNKNOWN
        for text in answer.texts:
            try:
                record = read_record(text)
            except MalformedKeyRecord:
                continue
            if record.public is None:
                return Seen.REVOKED
            if key.state is KeyState.REVOKED or record.is_of(self._folder.private(key)):
                return Seen.THERE
        return Seen.OTHER
