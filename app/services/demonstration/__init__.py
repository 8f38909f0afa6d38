"""Data to show the product with: two centres, their people, drivers.

Offers: demonstration, year, examples.
May know: every room, as a person would act in it.
"""
