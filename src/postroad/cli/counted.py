"""Numbers of things, as a person says them."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 recipient``, ``2 recipients``, ``2 deliveries``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
