"""The service contract between a centre and the operator: offered, signed, suspended, ended.

Offers: acts, text, pdf.
May know: rights, seal, and below.
"""
