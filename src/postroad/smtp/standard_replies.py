"""What a server says by itself. Every reply but greetings, EHLO's and 3yz has an enhanced status code (RFC 2034 §4)."""

from typing import Final

from postroad.smtp.replies import from_text

OK: Final = from_text("250 2.0.0 Ok")
SENDER_OK: Final = from_text("250 2.1.0 Sender ok")
RECIPIENT_OK: Final = from_text("250 2.1.5 Recipient ok")
BYE: Final = from_text("221 2.0.0 Bye")
START_TLS: Final = from_text("220 2.0.0 Ready to start TLS")
START_CONTENT: Final = from_text("354 End with <CRLF>.<CRLF>")
AUTHENTICATED: Final = from_text("235 2.7.0 Authenticated")  # RFC 4954 §6
HELP: Final = from_text("214 2.0.0 EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY QUIT; see RFC 5321")
NOT_VERIFIED: Final = from_text("252 2.5.0 Send mail to it and see")  # RFC 5321 §3.5.3: nobody harvests addresses here

SHUTTING_DOWN: Final = from_text("421 4.3.2 Shutting down")
TOO_MANY_CONNECTIONS: Final = from_text("421 4.3.2 Too many connections")
TIMED_OUT: Final = from_text("421 4.4.2 Nothing came for too long")  # RFC 5321 §4.5.3.2.7
BARE_LINE_END: Final = from_text("421 4.5.2 A command holds a bare CR or LF")
INJECTED: Final = from_text("421 4.7.0 Plain text came behind STARTTLS")  # RFC 3207 §4.2
TOO_MANY_ERRORS: Final = from_text("421 4.7.0 Too many errors")
TOO_MANY_COMMANDS: Final = from_text("421 4.7.0 Too many commands without a message")
ENDLESS_CONTENT: Final = from_text("421 4.3.4 The message has no end")
TOO_MANY_MESSAGES: Final = from_text("421 4.7.0 Too many messages in one session")  # RFC 9422 §3.1: MAILMAX
LOCAL_ERROR: Final = from_text("451 4.3.0 Something went wrong here, try again later")
TOO_MANY_RECIPIENTS: Final = from_text("452 4.5.3 Too many recipients for one message")  # RFC 5321 §4.5.3.1.10
AUTH_UNAVAILABLE: Final = from_text("454 4.7.0 Cannot check credentials now")  # RFC 4954 §6

LINE_TOO_LONG: Final = from_text("500 5.5.2 Line too long")
RESPONSE_TOO_LONG: Final = from_text("500 5.5.6 Authentication exchange line is too long")  # RFC 4954 §6
UNKNOWN_COMMAND: Final = from_text("500 5.5.2 Unknown command")
CONTROL_CHARACTER: Final = from_text("500 5.5.2 A command holds a control character")
NOT_UTF8: Final = from_text("500 5.5.2 A command is not UTF-8")
NO_ARGUMENT: Final = from_text("501 5.5.4 This command takes no argument")
ARGUMENT_MISSING: Final = from_text("501 5.5.4 An argument is missing")
BAD_NAME: Final = from_text("501 5.5.4 A host name or an address literal must follow")
BAD_MAIL: Final = from_text("501 5.5.4 Say MAIL FROM:<address>")
BAD_RCPT: Final = from_text("501 5.5.4 Say RCPT TO:<address>")
BAD_PARAMETER: Final = from_text("501 5.5.4 A parameter is malformed or given twice")
BAD_CHUNK: Final = from_text("501 5.5.4 Say BDAT and the number of octets that follow")  # RFC 3030 §2
BAD_SENDER: Final = from_text("501 5.1.7 Bad sender address")
BAD_RECIPIENT: Final = from_text("501 5.1.3 Bad recipient address")
BAD_BASE64: Final = from_text("501 5.5.2 The response is not base64 of this mechanism's form")  # RFC 4954 §4
AUTH_CANCELLED: Final = from_text("501 5.7.0 Authentication cancelled")  # RFC 4954 §4
NOT_IMPLEMENTED: Final = from_text("502 5.5.1 Command not implemented")
BAD_SEQUENCE: Final = from_text("503 5.5.1 Bad sequence of commands")
CHUNK_REFUSED: Final = from_text("503 5.5.1 A chunk before this was refused; say RSET")  # RFC 3030 §2
SAY_HELLO: Final = from_text("503 5.5.1 Say EHLO first")
ALREADY_SECURE: Final = from_text("503 5.5.1 TLS is on already")
ALREADY_AUTHENTICATED: Final = from_text("503 5.5.1 Authenticated already")  # RFC 4954 §4
UNKNOWN_MECHANISM: Final = from_text("504 5.5.4 Unknown authentication mechanism")  # RFC 4954 §4
TLS_REQUIRED: Final = from_text("530 5.7.0 Must issue a STARTTLS command first")  # RFC 3207 §4
AUTH_REQUIRED: Final = from_text("530 5.7.0 Authentication required")  # RFC 4954 §6
BAD_CREDENTIALS: Final = from_text("535 5.7.8 Authentication credentials invalid")  # RFC 4954 §6
ENCRYPTION_REQUIRED: Final = from_text("538 5.7.11 Encryption required for authentication")  # RFC 4954 §6
TOO_LARGE: Final = from_text("552 5.3.4 Message too large")  # RFC 1870 §6
NOT_ASCII: Final = from_text("553 5.6.7 A non-ASCII address needs SMTPUTF8")  # RFC 6531 §3.2
NO_VALID_RECIPIENTS: Final = from_text("554 5.5.1 No valid recipients")  # RFC 5321 §3.3
UNKNOWN_PARAMETER: Final = from_text("555 5.5.4 Unknown parameter")  # RFC 5321 §4.1.1.11

CONTENT_BARE_LF: Final = from_text("550 5.5.2 The message holds a bare LF; lines end with CRLF")  # RFC 5321 §2.3.8
CONTENT_BARE_CR: Final = from_text("550 5.5.2 The message holds a bare CR; lines end with CRLF")
CONTENT_NUL: Final = from_text("550 5.6.0 The message holds a NUL character")  # RFC 5322 §4: obsolete, never generated
CONTENT_LONG_LINE: Final = from_text("550 5.6.0 The message holds a line that is too long")
