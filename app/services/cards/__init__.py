"""The driver's card (CQC): grounds, the request in steps, payment, pictures, the agents' queue.

Offers: requests, desk, grounds, payment, pictures.
May know: trainers, reference, and below.
"""
