"""Loads a graph with arrivals that do not wait for it. The only room that imports locust.

What runs is imported on first use, so that a wrong option is answered at once.
"""
