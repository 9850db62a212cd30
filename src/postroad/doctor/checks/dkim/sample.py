"""A message to be signed for a proof."""

from typing import Final

SAMPLE: Final = (
    b"From: Doctor <doctor@%b>\r\nTo: Reader <reader@example.com>\r\nSubject: A sample\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <sample@example.com>\r\n"
    b"List-Unsubscribe: <https://example.com/u/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThis message is never sent.\r\n"
)
