"""The durable queue: it remembers every message, decides when each recipient is tried, and can say why."""
