"""Who may do what at which centre, and what is still missing before a centre can work.

Offers: access, members, granting, editing, invitations, promises, wishes, recipients, checklist.
May know: accounts, reference, and below.
"""
