"""Who gets no mail from us, until when, and why."""
