"""Renderers: pure functions of a saved Profile. They never measure, and never import LangGraph."""
