"""The benchmark of engines: contestants, their runs, and what each run takes."""
