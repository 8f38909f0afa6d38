"""Récapitulatif and certificate: drawn, sealed, stored, verified, sent again, revoked.

Offers: drawing, pages, statement, revocations, verification, verification_file, lots, integrity, resending, revocation.
May know: notifications, journal, seal, storage, and below.
"""
