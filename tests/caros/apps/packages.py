"""Apps for tests: manifests and packages with a word here and there changed."""

from volant.caros.apps.package import Package, open_package, pack
from volant.trust import SigningKey

KEY = SigningKey(b"tests sign their apps with this.")
OTHER_KEY = SigningKey(b"somebody else signs with this...")
MAIN = b"import volant_app\ncar = volant_app.Car()\nprint('here', flush=True)\nwhile True: car.wait(1.0)\n"


def manifest_text(
    app: str = "org.example.app",
    version: str = "1.0.0",
    signals: str = '["read:Vehicle.Speed"]',
    more: str = "",
    budget: str = "",
) -> str:
    return (
        f'id = "{app}"\nname = "App"\nversion = "{version}"\nentry = "main.py"\n'
        f"signals = {signals}\n{more}\n[budget]\n{budget}\n"
    )


def package_bytes(
    version: str = "1.0.0",
    main: bytes = MAIN,
    key: SigningKey | None = KEY,
    files: dict[str, bytes] | None = None,
    **words: str,
) -> bytes:
    manifest = manifest_text(version=version, **words).encode()
    return pack({"app.toml": manifest, "main.py": main, **(files or {})}, key)


def package(
    version: str = "1.0.0", main: bytes = MAIN, key: SigningKey = KEY, **more: str
) -> Package:
    return open_package(package_bytes(version, main, key, **more))
