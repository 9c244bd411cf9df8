"""Runs the contestants, and measures their time, CPU seconds and memory."""
