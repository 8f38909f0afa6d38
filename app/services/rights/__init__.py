"""Who may do what at which centre, and what is still missing before a centre can work.

Offers: access, members, editing, invitations, checklist.
May know: accounts, reference, and below.
"""
