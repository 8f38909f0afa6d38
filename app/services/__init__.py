"""What the office does: one public function, one thing done, one transaction."""
