"""What every act of every room leans on: transaction, clock, actor, outbox, limits, links, bulk writing.

Offers: transaction, refusal, clock, actor, outbox, queue, bulk, links, throttle, vault, numbers, case.
May know: no other room.
"""
