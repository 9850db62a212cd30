"""What a caller wants to find again beside a message: tags and metadata. Never rendered into headers."""

from collections.abc import Iterable, Iterator, Mapping

from postroad.errors import MessageError
from postroad.message.characters import header_text


class Metadata(Mapping[str, str]):
    """An immutable, hashable, picklable mapping from str to str."""

    __slots__ = ("_items",)

    _items: dict[str, str]

    def __init__(self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        object.__setattr__(self, "_items", dict(items))

    def __getitem__(self, key: str) -> str:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"Metadata({self._items!r})"

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("the metadata of a message do not change; use replace(metadata=…)")

    def __reduce__(self) -> tuple[type["Metadata"], tuple[dict[str, str]]]:
        return (type(self), (dict(self._items),))


_NONE = Metadata()


def read_metadata(value: object) -> Metadata:
    """Read the ``metadata`` argument of a message.

    Raises:
        MessageError: naming the key, where a key or value is no str or holds control characters.
    """
    if isinstance(value, Metadata):
        return value
    if value is None or value == {}:
        return _NONE
    if not isinstance(value, Mapping):
        raise MessageError(f"metadata: a mapping is needed, not {type(value).__name__}", field="metadata")
    for key, item in value.items():
        header_text(key, "metadata")
        header_text(item, f"metadata[{key!r}]")
    return Metadata(value)


def read_tags(value: object) -> tuple[str, ...]:
    """Read the ``tags`` argument of a message: one tag or an iterable of them.

    Raises:
        MessageError: naming the tag that is no str, is empty or holds control characters.
    """
    if value is None or value == ():
        return ()
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise MessageError(f"tags: a list of str is needed, not {type(value).__name__}", field="tags")
    tags = tuple(header_text(tag, f"tags[{index}]") for index, tag in enumerate(value))
    if "" in tags:
        raise MessageError(f"tags[{tags.index('')}]: empty", field=f"tags[{tags.index('')}]")
    return tags
