"""Every turn in a process of its own, so that no contender inherits another's threads, caches or garbage."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_SPAWN = multiprocessing.get_context("spawn")


def isolated(
    function: Callable[Arguments, Answer], *arguments: Arguments.args, **keywords: Arguments.kwargs
) -> Callable[[], Answer]:
    """A call of ``function`` that takes place in a fresh interpreter; whoever imports it can pickle it."""

    def call() -> Answer:
        with ProcessPoolExecutor(1, mp_context=_SPAWN) as process:
            return process.submit(function, *arguments, **keywords).result()

    return call
