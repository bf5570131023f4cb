"""Stages that compare a page with all others, and the decisions behind them, on keys."""
