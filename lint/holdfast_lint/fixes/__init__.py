"""What would mend a finding: codemods over libcst, written down as edits."""
