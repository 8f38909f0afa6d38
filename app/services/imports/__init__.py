"""Registering by file: intake, then (analysing) checking, reading in a child process, judging, storing; corrected, confirmed.

Offers: intake, analysing, corrections, confirmation, desk, annotated_workbook, template_workbook.
May know: registration, and below.
"""
