"""What waits for an agent: withheld documents and rights, requests for an account, work that failed.

Offers: to_handle, withheld_documents, withheld_rights, account_requests, incidents.
May know: trainers, documents, accounts, and below.
"""
