"""Measurements that anyone can repeat: each makes its own data, and compares runs interleaved in one session."""
