"""What stands behind `holdfast demo`: its story, its processes, and its verdict."""
