"""Where a report is not as its RFC says, and was read all the same: a list of sentences, each once."""

from typing import Final

MAX_KINDS: Final = 100  # different sentences; a report that is wrong in more ways is not made clearer by more of them


class Deviations:
    """Collects them while a report is read. The same thing in a thousand records is one sentence with a number."""

    def __init__(self) -> None:
        self._places: dict[str, list[int]] = {}
        self.noted = 0

    def add(self, what: str, record: int = 0) -> None:
        """``record`` is the place of the record, counted from 1; none for the report as a whole."""
        self.noted += 1
        if what in self._places:
            self._places[what][1] += 1
        elif len(self._places) < MAX_KINDS:
            self._places[what] = [record, 1]

    def sentences(self) -> tuple[str, ...]:
        return tuple([_sentence(what, *place) for what, place in self._places.items()])


def _sentence(what: str, record: int, times: int) -> str:
    if not record:
        return what
    more = f" and {times - 1} more" if times > 1 else ""
    return f"record {record}{more}: {what}"


def shown(value: str) -> str:
    """A stranger's word within a sentence: quoted, and not too long of it."""
    return ascii(value if len(value) <= 60 else f"{value[:57]}...")
