"""The pages: each reads its parameters, asks for its content and shows it."""
