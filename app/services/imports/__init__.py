"""Registering by file: received, guarded, read in a child process, judged, corrected, confirmed.

Offers: intake, corrections, confirmation, desk, annotated_workbook, template_workbook.
May know: registration, and below.
"""
