"""What leaves the house: mails to people, events to centres' software.

Offers: mail, webhook_events.
May know: core, storage.
"""
