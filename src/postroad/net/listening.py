"""Ending an asyncio server without losing a connection."""

import asyncio


async def end_listening(server: asyncio.Server) -> None:
    """Take no more connections, and lose none that has been accepted.

    From accept() to the protocol asyncio needs two turns of the loop, and a connection that meets a closed server on
    that way fails and is never closed (``Server._attach`` in Python 3.11).
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(3):
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn
    server.close()
