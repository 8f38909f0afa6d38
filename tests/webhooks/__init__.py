"""Webhooks: from the act to the answer of a real server."""
