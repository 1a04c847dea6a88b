"""Invoices: the mistake sits two modules away from the workflow."""
