"""The child process that judges invoices by the official rules, and the wrong invoice on which it tries itself."""
