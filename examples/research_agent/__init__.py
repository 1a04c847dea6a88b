"""A research agent: a question in, a cited report out, and nothing paid for or sent twice."""
