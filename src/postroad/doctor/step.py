"""What is asked at one step, of a server or of an address; the answer is a finding."""

from dataclasses import dataclass

from postroad.lint.finding import Finding, Level


@dataclass(frozen=True, slots=True)
class Step:
    """``rule`` says in a sentence what should be, ``rfc`` who says so."""

    id: str
    rule: str
    rfc: str

    def finding(self, level: Level, seen: str, publish: str | None = None) -> Finding:
        """What was seen; ``publish`` is the setting that suits, as the URL of a route."""
        return Finding(self.id, level, seen, self.rule, self.rfc, publish)
