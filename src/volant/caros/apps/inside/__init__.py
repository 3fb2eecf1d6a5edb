"""What runs inside a sandbox: standard library only, one file each, since nothing else is there.

`enter.py` puts up the inner walls and becomes the app; `volant_app.py` is what an app talks through.
"""

__all__: list[str] = []
