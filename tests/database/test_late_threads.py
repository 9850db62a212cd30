"""Threads that go on sending when the main thread has ended, where no new thread begins any more (Python 3.12)."""

import subprocess
import sys
from pathlib import Path

SENDING_ON = """
import sys, threading
from postroad import Email, Outbox

outbox = Outbox(sys.argv[1])
email = Email(from_="a@a.example", to="b@b.example", subject="late", text="late")
outbox.send(email)
main_ended = threading.main_thread()

def send_late():
    main_ended.join()
    for _ in range(50):
        outbox.send(email)
    print("sent", flush=True)

threading.Thread(target=send_late).start()
"""


def test_they_can_write_beside_another_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mail.db'}"
    programs = [
        subprocess.Popen([sys.executable, "-c", SENDING_ON, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)  # that wait for each other's lock
    ]
    for program in programs:
        said, complaint = program.communicate(timeout=120)
        assert (said, program.returncode) == (b"sent\n", 0), complaint.decode()
