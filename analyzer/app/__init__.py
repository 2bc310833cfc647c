"""ToneUp's analyzer: a photo of a face in, a season out, over HTTP."""
