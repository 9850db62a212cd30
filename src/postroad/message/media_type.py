"""Media types: their grammar (RFC 2045 §5.1), and which one belongs to a file name.

The table is our own: the operating system's and the standard library's differ by machine and by version, and the same
message must come out the same everywhere.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from postroad.address import shown
from postroad.errors import MessageError

_WORD = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]+"  # RFC 2045 §5.1, less what RFC 2231 gives a meaning
_TYPE: Final = rf"({_WORD})/({_WORD})"
_PARAMETER: Final = rf' *; *({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)") *'
MAX_TYPE_CHARACTERS: Final = 255  # RFC 6838 §4.2: 127 for each of type and subtype
OCTET_STREAM: Final = "application/octet-stream"  # RFC 2046 §4.5.1: what is not known
_PICTURES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"<svg": "image/svg+xml",
}
_OURS: Final = frozenset({"name", "boundary"})


class MediaType(NamedTuple):
    """``maintype/subtype`` in lower case, and the parameters in their order."""

    maintype: str
    subtype: str
    parameters: tuple[tuple[str, str], ...] = ()

    @staticmethod
    def parse(text: str, field: str = "content_type") -> "MediaType":
        """Read ``"text/csv; charset=utf-8"``.

        Raises:
            MessageError: naming ``field`` where the text is no media type, or sets what postroad sets itself.
        """
        return _parse(text, field)

    def parameter(self, name: str) -> str | None:
        """The value of a parameter, ``None`` where it is not there."""
        return next((value for known, value in self.parameters if known == name), None)

    def without(self, name: str) -> tuple[tuple[str, str], ...]:
        """The parameters but one."""
        return tuple(pair for pair in self.parameters if pair[0] != name)

    @property
    def essence(self) -> str:
        """``maintype/subtype``."""
        return f"{self.maintype}/{self.subtype}"

    def __str__(self) -> str:
        return "; ".join((self.essence, *(f"{name}={_value(value)}" for name, value in self.parameters)))


def _value(value: str) -> str:
    if re.fullmatch(_WORD, value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@lru_cache(maxsize=256)
def _parse(text: str, field: str) -> MediaType:
    found = re.match(_TYPE, text)
    if not found or len(text) > MAX_TYPE_CHARACTERS or not text.isascii():
        raise MessageError(
            f"{field}: {shown(text)} is not a media type",
            field=field,
            advice="Give type/subtype such as application/pdf, or leave it out: the file name tells.",
        )
    parameters = tuple(_parameters(text, found.end(), field))
    return MediaType(found[1].lower(), found[2].lower(), parameters)


def _parameters(text: str, position: int, field: str) -> "list[tuple[str, str]]":
    parameters: list[tuple[str, str]] = []
    while text[position:].strip(" "):
        found = re.compile(_PARAMETER).match(text, position)
        if not found:
            raise MessageError(f'{field}: {shown(text)}: a parameter is name=value or name="value"', field=field)
        name, position = found[1].lower(), found.end()
        if name in _OURS or "*" in name:
            raise MessageError(f"{field}: postroad sets the parameter {name} itself; use filename=", field=field)
        if any(name == known for known, _ in parameters):
            raise MessageError(f"{field}: the parameter {name} stands twice", field=field)
        value = found[2] if found[2] is not None else re.sub(r"\\(.)", r"\1", found[3])
        parameters.append((name, value))
    return parameters


def type_of_name(filename: str) -> str | None:
    """The media type that a file name's last extension stands for; ``None`` where it is unknown."""
    _, dot, extension = filename.rpartition(".")
    return TYPES.get(extension.lower()) if dot else None


def picture_type(content: bytes) -> str | None:
    """The media type of a picture by its first octets; ``None`` where they are of no common kind."""
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((essence for start, essence in _PICTURES.items() if content.startswith(start)), None)


def extension_of(essence: str) -> str:
    """A usual extension with its dot for a media type; ``.bin`` where none is known."""
    return next((f".{extension}" for extension, known in TYPES.items() if known == essence), ".bin")


# Registered at IANA, or the form in general use where nothing is registered. First of a type: its usual extension.
TYPES: Final[dict[str, str]] = {
    "txt": "text/plain", "text": "text/plain", "log": "text/plain", "asc": "text/plain", "conf": "text/plain",
    "html": "text/html", "htm": "text/html", "css": "text/css", "csv": "text/csv", "md": "text/markdown",
    "tsv": "text/tab-separated-values", "ics": "text/calendar", "ifb": "text/calendar", "vcf": "text/vcard",
    "vcard": "text/vcard", "js": "text/javascript", "mjs": "text/javascript", "rtx": "text/richtext",
    "xml": "application/xml", "xsl": "application/xml", "xsd": "application/xml", "dtd": "application/xml-dtd",
    "json": "application/json", "jsonl": "application/jsonl", "ndjson": "application/x-ndjson",
    "jsonld": "application/ld+json", "yaml": "application/yaml", "yml": "application/yaml",
    "toml": "application/toml", "sql": "application/sql", "geojson": "application/geo+json",
    "atom": "application/atom+xml", "rss": "application/rss+xml", "xhtml": "application/xhtml+xml",
    "pdf": "application/pdf", "rtf": "application/rtf", "ps": "application/postscript",
    "eps": "application/postscript", "tex": "application/x-tex", "epub": "application/epub+zip",
    "doc": "application/msword", "dot": "application/msword", "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint", "msg": "application/vnd.ms-outlook", "vsd": "application/vnd.visio",
    "mdb": "application/vnd.ms-access", "mpp": "application/vnd.ms-project",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "dotx": "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xltx": "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ppsx": "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
    "docm": "application/vnd.ms-word.document.macroenabled.12",
    "xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation", "odg": "application/vnd.oasis.opendocument.graphics",
    "pages": "application/vnd.apple.pages", "numbers": "application/vnd.apple.numbers",
    "key": "application/vnd.apple.keynote", "pkpass": "application/vnd.apple.pkpass",
    "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "bz2": "application/x-bzip2",
    "xz": "application/x-xz", "zst": "application/zstd", "7z": "application/x-7z-compressed",
    "rar": "application/vnd.rar", "tar": "application/x-tar", "jar": "application/java-archive",
    "wasm": "application/wasm", "apk": "application/vnd.android.package-archive",
    "sqlite": "application/vnd.sqlite3", "parquet": "application/vnd.apache.parquet",
    "p7s": "application/pkcs7-signature", "p7m": "application/pkcs7-mime", "p7c": "application/pkcs7-mime",
    "p10": "application/pkcs10", "p12": "application/pkcs12", "pfx": "application/pkcs12",
    "cer": "application/pkix-cert", "crl": "application/pkix-crl", "pem": "application/x-pem-file",
    "crt": "application/x-x509-ca-cert", "pgp": "application/pgp-encrypted", "gpg": "application/pgp-encrypted",
    "sig": "application/pgp-signature",
    "eml": "message/rfc822",
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jpe": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp", "svg": "image/svg+xml", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif",
    "bmp": "image/bmp", "tiff": "image/tiff", "tif": "image/tiff", "ico": "image/vnd.microsoft.icon",
    "jxl": "image/jxl", "jp2": "image/jp2", "psd": "image/vnd.adobe.photoshop", "dxf": "image/vnd.dxf",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "ogg": "audio/ogg", "oga": "audio/ogg",
    "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "mid": "audio/midi", "midi": "audio/midi",
    "amr": "audio/amr", "aiff": "audio/aiff", "weba": "audio/webm",
    "mp4": "video/mp4", "m4v": "video/mp4", "mpeg": "video/mpeg", "mpg": "video/mpeg", "mov": "video/quicktime",
    "webm": "video/webm", "avi": "video/x-msvideo", "mkv": "video/matroska", "ogv": "video/ogg",
    "3gp": "video/3gpp", "wmv": "video/x-ms-wmv",
    "ttf": "font/ttf", "otf": "font/otf", "woff": "font/woff", "woff2": "font/woff2",
}  # fmt: skip
