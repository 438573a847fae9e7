"""Tries changes on copies of a graph: what they save in truth, and whether outputs stay equal."""

from lgprof.whatif.proof.prover import Proof, Prover, proving

__all__ = ["Proof", "Prover", "proving"]
