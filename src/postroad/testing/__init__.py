"""For tests of programs that send mail: no real mail leaves the machine, and every failure comes on command."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from postroad.testing.capture import Captured, CapturedMessage, capture
from postroad.testing.fake_dns import FakeDns
from postroad.testing.received import ReceivedMessage, ReceivedSession
from postroad.testing.script import Gate, Step, Then
from postroad.testing.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from postroad.testing.simulator import SimulatedPause, Traffic, simulate
    from postroad.testing.simulator_provider import SimulatedProvider
    from postroad.testing.simulator_result import Simulated

__all__ = [
    "Captured",
    "CapturedMessage",
    "FakeDns",
    "Gate",
    "ReceivedMessage",
    "ReceivedSession",
    "ScriptedServer",
    "Simulated",
    "SimulatedPause",
    "SimulatedProvider",
    "Step",
    "Then",
    "Traffic",
    "capture",
    "simulate",
]

# Loaded at their first use: they need the outbox, and with it a library that tests of a mailer can do without.
_LATE: Final = {
    "Simulated": "postroad.testing.simulator_result",
    "SimulatedPause": "postroad.testing.simulator",
    "SimulatedProvider": "postroad.testing.simulator_provider",
    "Traffic": "postroad.testing.simulator",
    "simulate": "postroad.testing.simulator",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'postroad.testing' has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
