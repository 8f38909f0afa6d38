"""A person's account: opened, signed in to, its password, address and second factor, closed.

Offers: opening, sign_in, passwords, password_change, address_change, second_factor, renaming, closing.
May know: notifications, journal, and below.
"""
