"""Walls between centres: who gets what answer, whose words are on whose pages, what the base itself refuses."""
