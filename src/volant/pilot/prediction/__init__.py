"""What the others will do."""
