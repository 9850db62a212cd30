"""The only place of engines, connections, tables and migrations. What the rows mean is the outbox's business."""
