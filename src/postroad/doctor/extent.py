"""How much of the DNS the answers are of."""

from enum import Enum


class Extent(Enum):
    """Whether a name without a record has none, or is only not written down.

    A ``FILE`` is somebody's own part of the DNS. What is missing there is missing as far as it is of the domain; that
    of others, such as the hosts of a provider, has no place in it.
    """

    WORLD = "the DNS itself"
    FILE = "a file of records"
