"""The pages of an invoice, as people read them: what flows on the first ones, then the annex."""
