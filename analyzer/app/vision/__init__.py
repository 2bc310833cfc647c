"""From bytes of a photo to a season. Imports no web framework: it runs in the inference processes."""
