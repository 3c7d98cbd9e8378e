"""All parameters of all steps."""
