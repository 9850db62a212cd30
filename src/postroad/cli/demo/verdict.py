"""Whether everything came out as it had to: what the outbox says, and what the server caught, octet by octet."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from postroad.cli.demo.sample_mail import GREYLISTED, Sample
from postroad.inbox.catch import Caught

if TYPE_CHECKING:
    from postroad.outbox.status import DeliveryStatus, MessageStatus


def faults(samples: Sequence[Sample], statuses: "Sequence[MessageStatus]", caught: Sequence[Caught]) -> list[str]:
    """What is not as it should be, in sentences; nothing, if all is well."""
    found: list[str] = []
    sent = {sample.email.to_bytes(): sample for sample in samples}
    for sample, status in zip(samples, statuses, strict=True):
        found += filter(None, (_fault(sample, delivery) for delivery in status.recipients))
    for content, sample in sent.items():
        found += _faults_on_arrival(sample, [one for one in caught if one.content == content])
    found += ["something arrived that was never sent" for one in caught if one.content not in sent]
    return found


def _fault(sample: Sample, delivery: "DeliveryStatus") -> str:
    expected = sample.expected.get(delivery.recipient)
    if str(delivery.state) != expected:
        return f"{sample.shows}: {delivery.recipient} is {delivery.state}, not {expected}"
    if (delivery.attempts > 1) != (delivery.recipient == GREYLISTED):
        return f"{sample.shows}: {delivery.recipient} took {delivery.attempts} attempts"
    return ""


def _faults_on_arrival(sample: Sample, arrived: Sequence[Caught]) -> list[str]:
    found = []
    wanted = sorted(address for address, state in sample.expected.items() if state == "sent")
    got = sorted(recipient.addr_spec for one in arrived for recipient in one.recipients)
    if wanted != got:
        found.append(f"{sample.shows}: it had to arrive unchanged for {wanted}, and did for {got}")
    if any(one.client.tls is None or one.client.user is None for one in arrived):
        found.append(f"{sample.shows}: it came without TLS or without authentication")
    return found
