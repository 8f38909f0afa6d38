"""What the office does, in rooms by capability: one public function, one thing done, one transaction."""
