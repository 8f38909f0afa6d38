"""The seal, the archive format and the store: no base, no screen."""
