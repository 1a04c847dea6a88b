"""Abstract interpretation: what names stand for and what calls reach, across the modules of a project."""
