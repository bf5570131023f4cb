"""One page's way through a variant: found, explained, told."""
