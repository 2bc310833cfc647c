"""The `POST /analyze-color` feature: its route, wire types, errors and the steps of one request."""
