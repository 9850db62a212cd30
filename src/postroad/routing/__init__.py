"""Where mail for a domain goes, and what the way there has to be like. Decisions only: no socket is opened here."""
