"""The door of programs: keys, calls, webhooks.

Offers: gate, keys, reading, lists, files, registering, webhooks, webhook_delivery.
May know: registration, imports, and below; never cards, trainers or drivers.
"""
