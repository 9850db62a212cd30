"""``postroad demo``: real mail on this machine, and what becomes of it."""

import asyncio
from typing import TYPE_CHECKING, Final

import click

from postroad.cli.caught import caught_as_dict, say_caught
from postroad.cli.demo.look import (
    say_caught_mail,
    say_outcomes,
    say_stage,
    say_verdict,
    say_what_next,
    verdict_as_dict,
)
from postroad.cli.demo.sample_mail import samples
from postroad.cli.demo.stage import SCHEDULE, Stage, stage
from postroad.cli.demo.verdict import faults
from postroad.cli.exit_codes import Ended, ExitCode
from postroad.cli.output import Form, form_options, say_json_line
from postroad.cli.signals import on_stop
from postroad.cli.terminal import note
from postroad.clock import SYSTEM_CLOCK, as_datetime
from postroad.inbox.catch import Caught

if TYPE_CHECKING:
    from postroad.outbox.status import MessageStatus

_PATIENCE: Final = 60.0  # seconds until everything must be settled; it takes two or three
_LOOK_EVERY: Final = 0.05  # seconds between two looks into the outbox

_UNDER_WAY: Final = ("scheduled", "ready", "leased")


@click.command()
@click.option("--once", is_flag=True, help="End when all is done; 0 only if everything came out as it had to.")
@form_options
def demo(form: Form, once: bool) -> None:
    """Send real mail on this machine, and see what becomes of it.

    A server that catches mail (STARTTLS, AUTH), an outbox in a temporary folder, a worker between them, and messages of
    every kind: plain, HTML, with files and pictures, in any script; one recipient is refused, one is greylisted and
    tried again. Nothing leaves the machine. Without --once it goes on until Ctrl-C, and prints what else it is sent.
    """
    asyncio.run(_play(form, once=once))


async def _play(form: Form, *, once: bool) -> None:
    play = _Play(form)
    task = asyncio.current_task()
    assert task is not None
    # Whatever ends it, the temporary folder goes.
    with on_stop(task.cancel):
        async with stage(play.caught) as scene, scene.outbox.worker(scene.transport, schedule=SCHEDULE):
            play.open(scene)
            well = await play.run(scene)
            if not once:
                await play.stay(scene)
    if not well:
        raise Ended(ExitCode.CHECKS_FAILED)


class _Play:
    """One run, told as text or as JSON lines."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._samples = samples(as_datetime(SYSTEM_CLOCK.now()))
        self._ids: list[str] = []
        self._staying = False

    def open(self, scene: Stage) -> None:
        if self._form is Form.TEXT:
            say_stage(scene)
        else:
            addresses = {"smtp": scene.address, "db": scene.outbox.url, "transport": scene.url}
            say_json_line({"ready": True, **addresses, "password_file": str(scene.password_file)})

    async def run(self, scene: Stage) -> bool:
        """Send everything, wait until all is settled, and show it; whether all is well."""
        self._ids = [(await scene.outbox.send(sample.email)).id for sample in self._samples]
        note(f"{len(self._ids)} messages are in the outbox; now they are delivered")
        statuses = await self._settled(scene)
        caught = list(scene.server.caught)
        wrong = faults(self._samples, statuses, caught)
        if self._form is not Form.TEXT:
            say_json_line(verdict_as_dict(self._samples, statuses, caught, wrong))
            return not wrong
        say_outcomes(self._samples, statuses)
        say_caught_mail(caught)
        say_verdict(wrong)
        return not wrong

    async def _settled(self, scene: Stage) -> "list[MessageStatus]":
        """Where the messages stand once nothing more will happen to them, or patience has ended."""
        deadline = SYSTEM_CLOCK.monotonic() + _PATIENCE
        while SYSTEM_CLOCK.monotonic() < deadline:
            states = (await scene.outbox.stats()).states
            if not any(states[state] for state in _UNDER_WAY):
                break
            await SYSTEM_CLOCK.sleep(_LOOK_EVERY)
        return [await scene.outbox.status(id_) for id_ in self._ids]

    async def stay(self, scene: Stage) -> None:
        """Go on until Ctrl-C, printing what is caught."""
        if self._form is Form.TEXT:
            say_what_next(scene, self._ids[-1])
        note(f"Ctrl-C ends it and removes {scene.folder}")
        self._staying = True
        stopped = asyncio.Event()
        with on_stop(stopped.set):
            await stopped.wait()

    def caught(self, caught: Caught) -> None:
        if not self._staying:
            return
        if self._form is Form.TEXT:
            say_caught(caught)
        else:
            say_json_line(caught_as_dict(caught))
