"""The compiled twins of rooms in c4pipe: the same decisions, some hundred times as fast. Doors to them: engine.py."""
