"""Held-out sets for the incident model and its words, by another author than the training set's.

Made from the signature table, the form of cases and physics alone: channels are simulated as series and measured as the
agent measures them; line-ups, names, wordings and distractors are this author's own.
"""
