"""What the queue runs: an outbox id in, a service called; safe to run twice."""
