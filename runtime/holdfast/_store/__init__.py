"""Rows and the verbs that change them: each verb is one transaction."""
