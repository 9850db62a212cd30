"""For tests of programs that send mail: no real mail leaves the machine, and every failure comes on command."""

from postroad.testing.capture import Captured, CapturedMessage, capture
from postroad.testing.fake_dns import FakeDns
from postroad.testing.received import ReceivedMessage, ReceivedSession
from postroad.testing.script import Gate, Step, Then
from postroad.testing.scripted_server import ScriptedServer

__all__ = [
    "Captured",
    "CapturedMessage",
    "FakeDns",
    "Gate",
    "ReceivedMessage",
    "ReceivedSession",
    "ScriptedServer",
    "Step",
    "Then",
    "capture",
]
