"""postroad sends email from Python and stays with every message until its fate is known."""

__version__ = "0.1.0.dev0"
