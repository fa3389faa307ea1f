"""What runs on a host: one act per call, Python standard library only (3.11+)."""
