"""Starts clusters, connects to them, and explains what is wrong with them."""
