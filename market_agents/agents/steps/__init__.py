"""The built-in steps of each environment, and the rules by which the offline stand-in answers them."""
