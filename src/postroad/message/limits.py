"""How large and how deep a message may be that we read. Each is far above real mail, and bounds time and memory."""

from typing import Final

MAX_OCTETS: Final = 50_000_000  # of a message; twice what the large providers take
MAX_LINES: Final = 1_000_000  # of a message; 50 MB of base64 are 650,000
MAX_HEADER_OCTETS: Final = 1_048_576  # of all headers of a message together, those of its parts included
MAX_FIELD_OCTETS: Final = 102_400  # of one field; Postfix's header_size_limit
MAX_MIME_FIELD_OCTETS: Final = 8_192  # of one Content- field, whose parameters the parser reads in quadratic time
MAX_FIELDS: Final = 10_000  # of a message, its parts included
MAX_PARTS: Final = 1_000  # of a message, at any depth; a digest of a busy list has some hundred
MAX_DEPTH: Final = 50  # parts within parts; half of Postfix's mime_nesting_limit, mail forwarded ten times has 20
